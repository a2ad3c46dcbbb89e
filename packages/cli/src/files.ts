import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, exits } from './exit.ts'

/**
 * The bytes of a file the caller named.
 * @throws {CommandError} it cannot be read, or is larger than `sizeMaxBytes`; exit 2, for the name is the caller's.
 */
export async function bytesOfFile(path: string, sizeMaxBytes: number): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new CommandError(exits.usage, 'FILE', `${path}: ${reasonOf(error)}`, error)
  }
  if (bytes.length > sizeMaxBytes)
    throw new CommandError(exits.usage, 'FILE', `${path}: more than ${sizeMaxBytes} bytes`)
  return bytes
}

/** @throws {CommandError} as `bytesOfFile`, and where it is not UTF-8. */
export async function textOfFile(path: string, sizeMaxBytes: number): Promise<string> {
  return utf8(await bytesOfFile(path, sizeMaxBytes), path)
}

/** The text on stdin. @throws {CommandError} as `textOfFile`; its name is `-`. */
export async function textOfStdin(stdin: AsyncIterable<Uint8Array>, sizeMaxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of stdin) {
    sizeBytes += chunk.length
    if (sizeBytes > sizeMaxBytes) throw new CommandError(exits.usage, 'FILE', `-: more than ${sizeMaxBytes} bytes`)
    chunks.push(chunk)
  }
  return utf8(Buffer.concat(chunks), '-')
}

/** @throws {CommandError} the bytes are not UTF-8. */
function utf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CommandError(exits.usage, 'FILE', `${path}: not UTF-8`, error)
  }
}

/** Writes a file that must not be there yet. @throws {CommandError} it is there, exit 7. Errors of the disk pass through. */
export async function writeNewFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, 'wx', mode)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    throw new CommandError(exits.conflict, 'FILE_EXISTS', `${path} is there already and is left as it is`, error)
  }
  await using written = file
  try {
    await written.writeFile(content)
    await written.sync()
  } catch (error) {
    // Half of it would be left as it is by the next run.
    await rm(path, { force: true })
    throw error
  }
}

/** A file of several that only make sense together. */
export interface NewFile {
  readonly name: string
  readonly content: string | Uint8Array
  readonly mode: number
}

/**
 * Writes files into a folder, which is made for its owner alone where it is not there: all of them, or none that was not there before.
 * @throws {CommandError} one of them is there already, exit 7. Errors of the disk pass through.
 */
export async function writeNewFiles(folder: string, files: readonly NewFile[]): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const written: string[] = []
  try {
    for (const { name, content, mode } of files) {
      const path = join(folder, name)
      await writeNewFile(path, content, mode)
      written.push(path)
    }
  } catch (error) {
    await Promise.all(written.map((path) => rm(path, { force: true })))
    throw error
  }
  return written
}

/** Whether an error of node's is this one. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function reasonOf(error: unknown): string {
  if (isCode(error, 'ENOENT')) return 'no such file'
  if (isCode(error, 'EISDIR')) return 'a directory, not a file'
  return isCode(error, 'EACCES') ? 'may not be read' : String(error instanceof Error ? error.message : error)
}
