import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// A checkout of its own: the real bootstrap, an `npx` that installs nothing but a link to this Node, and a box that
// writes down what happens to it.

const box = `
import { appendFileSync } from 'node:fs'
const say = (line: string) => appendFileSync(process.env.SEEN!, line + '\\n')
process.on('SIGINT', () => { say('SIGINT'); setTimeout(() => process.exit(0), 300) })
process.on('SIGTERM', () => { say('SIGTERM'); process.exit(0) })
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]))
setInterval(() => {}, 1000)
say('arguments ' + process.argv.slice(2).join(' '))
`
const npx = `#!/bin/sh
echo "installer: $*"
echo "$*" >> "$INSTALLS"
[ -z "\${INSTALL_FAILS:-}" ] || exit 3
mkdir -p node_modules/.bin node_modules/node
ln -sf "$NODE" node_modules/.bin/node
echo '{"version":"24.0.0"}' > node_modules/node/package.json
`

let folder: string
let seen: string
let installs: string
let started: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-bootstrap-'))
  seen = join(folder, 'seen')
  installs = join(folder, 'installs')
  started = []
  for (const name of ['deploy', 'bin']) mkdirSync(join(folder, name))
  for (const name of ['bootstrap.mjs', 'parent-watch.mjs']) {
    copyFileSync(join(import.meta.dirname, name), join(folder, 'deploy', name))
  }
  writeFileSync(join(folder, 'deploy', 'main.ts'), box)
  writeFileSync(join(folder, 'bin', 'npx'), npx)
  chmodSync(join(folder, 'bin', 'npx'), 0o755)
  writeFileSync(join(folder, 'package.json'), '{"type":"module","packageManager":"pnpm@1.2.3"}')
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'seen', 'installs'])
    writeFileSync(join(folder, name), '')
})

afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

describe('the bootstrap', () => {
  it('installs once, from the lock, with the pinned package manager', async () => {
    expect(await ended(bootstrap(['install']))).toBe(0)
    expect(await ended(bootstrap(['install']))).toBe(0)
    expect(linesOf(installs)).toEqual(['-y pnpm@1.2.3 install --frozen-lockfile'])
  })

  it('installs again when the lock has changed', async () => {
    await ended(bootstrap(['install']))
    appendFileSync(join(folder, 'pnpm-lock.yaml'), 'more\n')
    await ended(bootstrap(['install']))
    expect(linesOf(installs)).toHaveLength(2)
  })

  it('shows what the installer said only when it failed, passes its code on and starts nothing', async () => {
    const good = bootstrap(['install'])
    expect(await errorsOf(good)).not.toContain('installer:')
    appendFileSync(join(folder, 'pnpm-lock.yaml'), 'more\n')
    const bad = bootstrap(['start'], { INSTALL_FAILS: '1' })
    expect(await errorsOf(bad)).toContain('installer: -y pnpm@1.2.3')
    expect(await ended(bad)).toBe(3)
    expect(linesOf(seen)).toEqual([])
  })

  it('hands the arguments to the box and its exit code back', async () => {
    expect(await ended(bootstrap(['start', 'exit', '8']))).toBe(8)
  })

  it('turns one Ctrl-C, sent to the whole group and once more by npm, into one signal to the box', async () => {
    const child = bootstrap(['start', '--zones', 'all'])
    await waitFor(() => linesOf(seen).includes('arguments --zones all'))
    process.kill(-child.pid!, 'SIGINT')
    child.kill('SIGINT')
    expect(await ended(child)).toBe(0)
    expect(linesOf(seen)).toEqual(['arguments --zones all', 'SIGINT'])
  })

  it('does not leave the box behind when it is killed', async () => {
    const child = bootstrap(['start'])
    await waitFor(() => linesOf(seen).length === 1)
    child.kill('SIGKILL')
    await waitFor(() => linesOf(seen).includes('SIGTERM'))
    expect(linesOf(seen).at(-1)).toBe('SIGTERM')
  })

  it('answers an unknown command with its usage and exit code 2', async () => {
    const child = bootstrap(['begin'])
    expect(await errorsOf(child)).toContain('usage:')
    expect(await ended(child)).toBe(2)
    expect(linesOf(installs)).toEqual([])
  })
})

function bootstrap(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const path = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`
  const child = spawn(process.execPath, [join(folder, 'deploy', 'bootstrap.mjs'), ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: path, NODE: process.execPath, SEEN: seen, INSTALLS: installs, ...environment },
  })
  started.push(child)
  return child
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

async function errorsOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of child.stderr!) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)

async function waitFor(condition: () => boolean, limitMs = 10_000): Promise<void> {
  for (const endMs = Date.now() + limitMs; !condition(); ) {
    if (Date.now() > endMs) throw new Error(`not seen within ${limitMs} ms; the box saw: ${linesOf(seen).join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
