import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ExportFiles, filesOfDirectory } from './export-files.ts'

/** So many files are written at once. */
const maxConcurrentWrites = 16

/** A directory that an export is written into: its files, each of them there whole or not at all. */
export class ExportFolder {
  readonly #directory: string
  readonly #files: ExportFiles
  readonly #made = new Set<string>()

  constructor(directory: string) {
    this.#directory = directory
    this.#files = filesOfDirectory(directory)
  }

  get files(): ExportFiles {
    return this.#files
  }

  /** Makes the directory, and says what lies in it already: names, not paths. */
  async prepare(): Promise<readonly string[]> {
    await mkdir(this.#directory, { recursive: true })
    return readdir(this.#directory)
  }

  /** Writes a file and returns when the disk has it. */
  async write(path: string, content: Uint8Array): Promise<void> {
    const whole = join(this.#directory, path)
    await this.#makeFolderOf(whole)
    const half = `${whole}${halfSuffix}`
    await using file = await open(half, 'w')
    await file.writeFile(content)
    await file.datasync()
    await rename(half, whole)
  }

  /** Writes many files, in no order. */
  async writeAll(files: readonly { readonly path: string; readonly content: Uint8Array }[]): Promise<void> {
    for (let at = 0; at < files.length; at += maxConcurrentWrites) {
      await Promise.all(files.slice(at, at + maxConcurrentWrites).map(({ path, content }) => this.write(path, content)))
    }
  }

  async remove(paths: Iterable<string>): Promise<void> {
    const folders = new Set<string>()
    for (const path of paths) {
      const whole = join(this.#directory, path)
      await rm(whole, { force: true })
      folders.add(dirname(whole))
    }
    for (const folder of folders) await this.#removeEmpty(folder)
  }

  async #makeFolderOf(path: string): Promise<void> {
    const folder = dirname(path)
    if (this.#made.has(folder)) return
    await mkdir(folder, { recursive: true })
    this.#made.add(folder)
  }

  /** A folder goes with its last file, and the one above with it. */
  async #removeEmpty(folder: string): Promise<void> {
    for (let one = folder; one.startsWith(join(this.#directory, '/')); one = dirname(one)) {
      // It is not empty, or gone already: both are what is wanted.
      if (
        !(await rmdir(one)
          .then(() => true)
          .catch(() => false))
      )
        return
      this.#made.delete(one)
    }
  }
}

/** What a file is called until it is whole. */
export const halfSuffix = '.new'
