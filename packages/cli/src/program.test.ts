import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Cli, examplesOf } from './command.ts'
import { createPrint } from './print.ts'
import { createProgram, withVerbs } from './program.ts'
import { runCli, runHere } from './run-cli.ts'

function silentCli(): Cli {
  const output = { write: () => true }
  const signal = new AbortController().signal
  const print = createPrint(output, output, {})
  return {
    stdout: output,
    stderr: output,
    stdin: new PassThrough(),
    env: {},
    nowMs: () => 0,
    signal,
    print,
    exitCode: 0,
  }
}

const verbs = withVerbs(await createProgram(silentCli())).filter((command) => command.commands.length === 0)
const examples = verbs.flatMap((command) => examplesOf(command))

describe('the command line', () => {
  it('gives examples for every verb, and --json to every verb', () => {
    expect(verbs.length).toBeGreaterThan(20)
    expect(verbs.filter((command) => examplesOf(command).length === 0).map((command) => command.name())).toEqual([])
    const without = verbs.filter((command) => !command.options.some(({ long }) => long === '--json'))
    expect(without.map((command) => command.name())).toEqual([])
  })

  it.each(examples)('parses its own example: %s', async (example) => {
    const program = await createProgram(silentCli())
    const ran: string[] = []
    for (const command of withVerbs(program)) {
      if (command.commands.length === 0) command.action(() => void ran.push(command.name()))
    }
    await program.parseAsync(example.split(' '), { from: 'user' })
    expect(ran).toHaveLength(1)
  })

  it('shows examples before anything else', async () => {
    const { exitCode, stdout } = await runHere(['licence', 'verify', '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^Examples:\n {2}hutong licence verify /)
  })

  it.each([
    ['an unknown noun', ['nonsense']],
    ['an unknown verb', ['licence', 'nonsense']],
    ['an unknown option', ['dev', 'status', '--nonsense']],
    ['a missing option', ['licence', 'verify', 'ID', '--at-zone', 'beijing']],
    ['one argument too many', ['dev', 'status', 'now']],
    ['two zones of one import', ['licence', 'import', 'f', '--zone', 'a', '--zone-field', 'b']],
    ['an unknown stage', ['publisher', 'adopt', '--zone', 'a', '--wait', 'never']],
  ])('answers 2 to %s', async (_what, args) => {
    expect((await runHere(args)).exitCode).toBe(2)
  })

  it('answers 6 where no box runs, and says which data it looked at', async () => {
    const { exitCode, stderr } = await runHere(['dev', 'status', '--data', 'no-such-data'])
    expect(exitCode).toBe(6)
    expect(stderr).toContain('no-such-data')
  })

  it('tells an error in JSON where JSON was asked for', async () => {
    const { stdout } = await runHere(['log', 'head', '--data', 'no-such-data', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'BOX_NOT_RUNNING', exitCode: 6 } })
  })

  it('finds the data by HUTONG_DATA', async () => {
    const { stderr } = await runHere(['dev', 'status'], { HUTONG_DATA: 'data-of-a-test' })
    expect(stderr).toContain('data-of-a-test')
  })

  it('starts and ends as a process', async () => {
    expect((await runCli(['--help'])).stdout).toContain('互通')
    expect((await runCli(['crypto', 'verify'])).exitCode).toBe(2)
  })
})
