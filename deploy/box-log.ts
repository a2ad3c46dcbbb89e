import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A log file is never larger, in bytes; one older one is kept beside it. */
const logSizeMaxBytes = 8 * 1024 * 1024

/** Where the lines of a box go: `logs/box.log` under its data, and when that is full, `box.log.1`. */
export function createBoxLog(dataDir: string): Disposable & { write(line: string): void } {
  const folder = join(dataDir, 'logs')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'box.log')
  let file = openSync(path, 'a', 0o600)
  let sizeBytes = fstatSync(file).size
  return {
    write(line) {
      const bytes = Buffer.from(line)
      if (sizeBytes + bytes.length > logSizeMaxBytes) {
        closeSync(file)
        renameSync(path, `${path}.1`)
        file = openSync(path, 'a', 0o600)
        sizeBytes = 0
      }
      try {
        sizeBytes += writeSync(file, bytes)
      } catch {
        // A full disk must not end the box for the sake of a log line; what it cannot write the services say to their callers.
      }
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
