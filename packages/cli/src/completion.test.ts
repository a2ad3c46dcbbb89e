import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { boxFileName, boxFileToJson } from './box-file.ts'
import { completionScripts } from './completion-scripts.ts'
import { runHere } from './run-cli.ts'

/** Candidates without their descriptions, and what the shell is told to do besides. */
async function ask(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout } = await runHere(['complete', '--', ...words], env)
  const lines = stdout.trimEnd().split('\n')
  return { exitCode, candidates: lines.slice(0, -1).map((line) => line.split('\t')[0]), files: lines.at(-1) === ':0' }
}

describe('completing', () => {
  it('offers the nouns that begin as typed', async () => {
    expect(await ask(['li'])).toEqual({ exitCode: 0, candidates: ['licence'], files: false })
  })

  it('offers the verbs of a noun', async () => {
    expect((await ask(['licence', ''])).candidates).toEqual(
      expect.arrayContaining(['issue', 'import', 'verify', 'suspend', 'revoke', 'show']),
    )
  })

  it('offers the options of a verb', async () => {
    expect((await ask(['licence', 'verify', 'ID', '--at'])).candidates).toEqual(['--at-zone'])
  })

  it('offers the zones of the box that runs on the data', async () => {
    const data = mkdtempSync(join(tmpdir(), 'hutong-completion-'))
    const box = { pid: 1, grpc: '127.0.0.1:1', http: '127.0.0.1:2', startedAt: '2026-01-01T00:00:00.000Z' }
    writeFileSync(join(data, boxFileName), boxFileToJson({ ...box, zones: ['beijing', 'beichen'], tokens: {} }))
    const env = { HUTONG_DATA: data }
    expect((await ask(['licence', 'verify', 'ID', '--at-zone', 'bei'], env)).candidates).toEqual(['beijing', 'beichen'])
    expect((await ask(['dev', 'stop', 'zone', ''], env)).candidates).toEqual(['beijing', 'beichen'])
  })

  it('offers no zones, and complains of nothing, where no box runs', async () => {
    expect(await ask(['licence', 'verify', 'ID', '--at-zone', ''], { HUTONG_DATA: 'no-such-data' })).toMatchObject({
      exitCode: 0,
      candidates: [],
    })
  })

  it('offers the stages to wait for', async () => {
    expect((await ask(['licence', 'import', 'f.csv', '--wait', ''])).candidates).toEqual([
      'sealed',
      'sequenced',
      'witnessed',
    ])
  })

  it('leaves names of files to the shell', async () => {
    expect(await ask(['licence', 'import', ''])).toEqual({ exitCode: 0, candidates: [], files: true })
  })
})

/** A command named hutong that tells what it was called with, and answers what the test wants it to. */
const folder = mkdtempSync(join(tmpdir(), 'hutong-shells-'))
const calls = join(folder, 'calls')
beforeAll(() => {
  const answer = `printf '%s\\n' "$@" > '${calls}'; printf 'beijing\\t北京\\nbeichen\\t北辰: 区\\n:4\\n'`
  writeFileSync(join(folder, 'hutong'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 })
  for (const [shell, script] of Object.entries(completionScripts)) writeFileSync(join(folder, `_${shell}`), script)
})

function run(shell: string, args: readonly string[]) {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, HOME: folder, TERM: 'dumb' }
  return spawnSync(shell, args, { cwd: folder, env, encoding: 'utf8', timeout: 20_000 })
}

const without = (shell: string) => spawnSync(shell, ['--version']).error !== undefined
const title = (shell: string) => (without(shell) ? `in ${shell} (${shell} is not installed)` : `in ${shell}`)

describe.skipIf(without('bash'))(title('bash'), () => {
  const completed = (words: string) =>
    run('bash', [
      '-c',
      `. ./_bash; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _hutong; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ])

  it('hands over the words and takes the candidates', () => {
    expect(completed("hutong licence 'a b' bei").stdout).toBe('beijing\nbeichen\n')
    expect(run('cat', [calls]).stdout).toBe('complete\n--\nlicence\na b\nbei\n')
  })

  it('runs nothing of what is being typed', () => {
    completed(`hutong licence '$(touch ran)' '\`touch ran\`;touch ran' bei`)
    expect(run('test', ['-e', 'ran']).status).toBe(1)
  })
})

describe.skipIf(without('zsh'))(title('zsh'), () => {
  // What zsh itself does with the list needs a terminal; the list is what is ours.
  const completed = (words: string) => {
    const stubs = `_describe() { print -rl -- "\${(@P)2}" }; _files() { print files }; compdef() { }`
    return run('zsh', ['-f', '-c', `${stubs}; . ./_zsh; words=(${words}); CURRENT=$#words; _hutong`])
  }

  it('hands over the words and takes the candidates with what they mean', () => {
    expect(completed("hutong licence 'a b' bei").stdout).toBe('beijing:北京\nbeichen:北辰: 区\n')
    expect(run('cat', [calls]).stdout).toBe('complete\n--\nlicence\na b\nbei\n')
  })

  it('runs nothing of what is being typed', () => {
    completed(`hutong licence '$(touch ran)' '\`touch ran\`;touch ran' bei`)
    expect(run('test', ['-e', 'ran']).status).toBe(1)
  })
})

describe.skipIf(without('fish'))(title('fish'), () => {
  const completed = (line: string) => run('fish', ['-N', '-c', `source _fish; complete -C ${line}`])

  it('hands over the words and takes the candidates with what they mean', () => {
    const { stdout } = completed(`"hutong licence 'a b' bei"`)
    expect(stdout.split('\n').toSorted()).toEqual(['', 'beichen\t北辰: 区', 'beijing\t北京'])
    expect(run('cat', [calls]).stdout).toBe('complete\n--\nlicence\na b\nbei\n')
  })

  it('runs nothing of what is being typed', () => {
    completed(`'hutong licence "$(touch ran)" (touch ran) bei'`)
    expect(run('test', ['-e', 'ran']).status).toBe(1)
  })
})
