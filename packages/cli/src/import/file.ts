import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CommandError, exits } from '../exit.ts'
import { isCode } from '../files.ts'

/** Bytes read at once. */
const blockSizeBytes = 262_144
/** The largest file that is imported, in bytes. */
const fileSizeMaxBytes = 16 * 1_073_741_824

/** What a file holds, so that it can be told whether it is still the same. */
export interface Fingerprint {
  readonly sizeBytes: number
  /** Of the whole file, hex. */
  readonly sha256: string
  /** SHA-256 of each block of `blockSizeBytes`. */
  readonly blocks: readonly Uint8Array[]
}

/**
 * A file that is imported, open from first to last: whatever takes its name meanwhile is another file. What somebody writes into it is
 * noticed against a fingerprint, block by block, before a byte of the block is used.
 */
export class ImportFile implements AsyncDisposable {
  readonly path: string
  readonly sizeBytes: number
  readonly #handle: FileHandle

  private constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path
    this.sizeBytes = sizeBytes
    this.#handle = handle
  }

  /** @throws {CommandError} it cannot be read, is no plain file (a link counts as what it leads to unless `isLinkAllowed` is false), or too large. */
  static async open(path: string, isLinkAllowed = true): Promise<ImportFile> {
    // A named pipe would be waited for without end.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | (isLinkAllowed ? 0 : constants.O_NOFOLLOW)
    const handle = await open(path, flags).catch((error: unknown) => {
      throw fileFault(path, openFault(error), error)
    })
    try {
      const found = await handle.stat()
      if (!found.isFile()) throw fileFault(path, 'not a plain file')
      if (found.size > fileSizeMaxBytes) throw fileFault(path, `more than ${fileSizeMaxBytes} bytes`)
      return new ImportFile(path, found.size, handle)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The first block, or less where the file is shorter. */
  async first(): Promise<Uint8Array> {
    for await (const block of this.blocks()) return block
    return new Uint8Array()
  }

  /**
   * The file in blocks, as far as it was long when it was opened.
   *
   * @throws {CommandError} FILE_CHANGED: it has become shorter, or, given a fingerprint, a block is not the one of then.
   */
  async *blocks(expected?: Fingerprint, onRead: (bytes: number) => void = () => {}): AsyncGenerator<Uint8Array> {
    for (let at = 0, number = 0; at < this.sizeBytes; number += 1) {
      const block = Buffer.allocUnsafe(Math.min(blockSizeBytes, this.sizeBytes - at))
      for (let filled = 0; filled < block.length; ) {
        const { bytesRead } = await this.#handle.read(block, filled, block.length - filled, at + filled)
        if (bytesRead === 0) throw changed(this.path)
        filled += bytesRead
      }
      const before = expected?.blocks[number]
      if (expected !== undefined && (before === undefined || sha256(block).compare(before) !== 0))
        throw changed(this.path)
      at += block.length
      onRead(at)
      yield block
    }
  }

  async fingerprint(signal: AbortSignal): Promise<Fingerprint> {
    const whole = createHash('sha256')
    const blocks: Uint8Array[] = []
    for await (const block of this.blocks()) {
      signal.throwIfAborted()
      whole.update(block)
      blocks.push(sha256(block))
    }
    return { sizeBytes: this.sizeBytes, sha256: whole.digest('hex'), blocks }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}

function sha256(block: Uint8Array): Buffer {
  return createHash('sha256').update(block).digest()
}

function changed(path: string): CommandError {
  const what = `${path} was written to while it was read; what was read of it before is in. Import it again when it is complete`
  return new CommandError(exits.conflict, 'FILE_CHANGED', what)
}

function fileFault(path: string, what: string, cause?: unknown): CommandError {
  return new CommandError(exits.usage, 'FILE', `${path}: ${what}`, cause)
}

function openFault(error: unknown): string {
  if (isCode(error, 'ENOENT')) return 'no such file'
  if (isCode(error, 'EACCES') || isCode(error, 'EPERM')) return 'may not be read'
  if (isCode(error, 'ELOOP')) return 'a link, not a file'
  return error instanceof Error ? error.message : String(error)
}
