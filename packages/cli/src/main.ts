import { exits } from './exit.ts'
import { runCommand } from './program.ts'

const stopping = new AbortController()
process.on('SIGINT', () => {
  if (stopping.signal.aborted) process.exit(exits.interrupted)
  stopping.abort()
})
// Whoever reads our answer may have seen enough of it, as `head` does: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exits.done : exits.ourBug),
)

process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  nowMs: Date.now,
  signal: stopping.signal,
})
