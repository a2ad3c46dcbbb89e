// The first program that runs on a fresh machine: any Node from 20 on, nothing installed yet. It brings node_modules in
// line with pnpm-lock.yaml, and with it the project's own Node 24, and hands over to that one.
//
//   node deploy/bootstrap.mjs install          only that
//   node deploy/bootstrap.mjs start [args…]    then the alliance in a box, deploy/main.ts
//   node deploy/bootstrap.mjs test [args…]     then every test; the last line counts them

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const ownNode = join(bin, 'node')
const stampFile = join(root, 'node_modules', '.hutong-install')
const sameSignalWindowMs = 1000

const [command, ...args] = process.argv.slice(2)
const commands = { install: async () => 0, start, test }
if (!Object.hasOwn(commands, command ?? '')) {
  process.stderr.write('usage: node deploy/bootstrap.mjs install | start [args…] | test [args…]\n')
  process.exit(2)
}
process.exitCode = (await install()) || (await commands[command](args))

async function install() {
  if (isInstalled()) return 0
  const { packageManager } = readJson(join(root, 'package.json'))
  process.stderr.write(`installing with ${packageManager} …\n`)
  const startedMs = Date.now()
  // CI=true: without a terminal pnpm otherwise refuses to replace a node_modules it did not make.
  const { code, output } = await runQuietly('npx', ['-y', packageManager, 'install', '--frozen-lockfile'], {
    CI: 'true',
  })
  if (code !== 0) {
    process.stderr.write(
      `${output}\ninstalling failed with exit code ${code}; the lines above are the installer's own\n`,
    )
    return code
  }
  writeFileSync(stampFile, stamp())
  process.stderr.write(`installed in ${Math.round((Date.now() - startedMs) / 1000)} s\n`)
  return 0
}

function isInstalled() {
  return existsSync(ownNode) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp()
}

/** What the installed folder depends on: the lock, the settings beside it, the Node inside it, the machine's kind. */
function stamp() {
  const hash = createHash('sha256')
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, name)))
  const { version } = readJson(join(root, 'node_modules', 'node', 'package.json'))
  return `${hash.digest('hex')} node ${version} ${process.platform}-${process.arch}\n`
}

/**
 * The box runs in a process group of its own. On Ctrl-C the terminal signals the whole group and npm signals its child
 * once more; the box takes a second signal as "leave at once", so it must get exactly one for one key press.
 * In exchange it would outlive a bootstrap that is killed: deploy/parent-watch.mjs ends it when the pipe on fd 3 closes.
 */
async function start(args) {
  const watch = join(root, 'deploy', 'parent-watch.mjs')
  // As docs/decisions/0009 says a busy service is started.
  const child = spawn(
    ownNode,
    ['--max-semi-space-size=32', '--import', watch, join(root, 'deploy', 'main.ts'), ...args],
    {
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...ownEnvironment(), HUTONG_PARENT_PIPE: '3' },
    },
  )
  forwardSignals((signal) => child.kill(signal))
  return exitCodeOf(child)
}

function forwardSignals(send) {
  const lastMs = new Map()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now()
      const isRepetition = nowMs - (lastMs.get(signal) ?? Number.NEGATIVE_INFINITY) < sameSignalWindowMs
      if (!isRepetition) {
        lastMs.set(signal, nowMs)
        send(signal)
      }
    })
  }
}

async function test(args) {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-test-'))
  const countsFile = join(folder, 'counts.json')
  const reporters = ['--reporter=default', `--reporter=${join(root, 'tests', 'reporter.ts')}`]
  const child = spawn(join(bin, 'vitest'), ['run', ...reporters, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...ownEnvironment(), HUTONG_TEST_COUNTS: countsFile },
  })
  // Vitest is in this process group and gets the terminal's signal itself; this process only has to outlive it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
  const code = await exitCodeOf(child)
  // A run that died before it could count is a failure, not a run of nothing.
  const counts = existsSync(countsFile) ? readJson(countsFile) : { passed: 0, failed: 1, skipped: 0 }
  rmSync(folder, { recursive: true })
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
  return code || (counts.failed > 0 ? 1 : 0)
}

function runQuietly(program, args, environment) {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  return exitCodeOf(child).then((code) => ({ code, output: Buffer.concat(chunks).toString().trimEnd() }))
}

function exitCodeOf(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`)
      resolve(127)
    })
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

function ownEnvironment() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
