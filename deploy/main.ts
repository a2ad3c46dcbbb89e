import { createLogger, run } from '@hutong/service'
import { announcement } from './announcement.ts'
import { boxArguments, usage } from './arguments.ts'
import { BoxError } from './box-error.ts'
import { publishFirstEvents } from './first-events.ts'
import { startBox } from './local.ts'
import { whenReady } from './ready.ts'

// The facts of the box go to its log file; the process itself speaks up only when something is wrong.
process.env.HUTONG_LOG_LEVEL ??= 'warn'

await run('box', async ({ signal }) => {
  const options = read(() => boxArguments(process.argv.slice(2), process.env))
  if (options.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const { dataDir, port, zones } = options
  const box = await startBox({
    dataDir,
    ...(port === undefined ? {} : { port }),
    ...(zones === undefined ? {} : { zones }),
    ...(process.env.HUTONG_LOG === 'stderr' ? { log: createLogger({ name: 'box' }) } : {}),
  }).catch(leave)
  try {
    progress('publishing the first events …')
    await Promise.race([publishFirstEvents(box, signal), box.stopped])
    const waiting = (missing: readonly string[]) => progress(`waiting for ${missing.join(', ')} …`)
    await Promise.race([whenReady(box, signal, waiting), box.stopped])
    progress('')
    process.stdout.write(announcement(box, options.isDefaultData ? '' : ` --data ${box.dataDir}`))
  } catch (error) {
    await box[Symbol.asyncDispose]()
    throw error
  }
  return box
})

function read<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    return leave(error)
  }
}

/** What a person must decide is said in one line, without a stack. */
function leave(error: unknown): never {
  if (!(error instanceof BoxError)) throw error
  process.stderr.write(`hutong box: ${error.message}\n`)
  process.exit(error.exitCode)
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
