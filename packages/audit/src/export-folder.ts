import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ExportFiles, filesOfDirectory } from './export-files.ts'
import { payloadsFolder } from './export-layout.ts'

/** So many files are written at once: the disk works while the next leaves come in. */
const maxConcurrentWrites = 32

/** A directory that an export is written into: its files, each of them there whole or not at all. */
export class ExportFolder {
  readonly #directory: string
  readonly #files: ExportFiles
  readonly #made = new Set<string>()
  readonly #writing = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

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
    await using file = await open(half, 'w', path.startsWith(`${payloadsFolder}/`) ? privateMode : publicMode)
    await file.writeFile(content)
    await file.datasync()
    await rename(half, whole)
  }

  /** Begins to write a file, once few enough others are being written. @throws what one of those begun before has failed with. */
  async begin(path: string, content: Uint8Array): Promise<void> {
    while (this.#writing.size >= maxConcurrentWrites) await Promise.race(this.#writing)
    if (this.#failure !== undefined) throw this.#failure.error
    const writing: Promise<void> = this.write(path, content)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .then(() => void this.#writing.delete(writing))
    this.#writing.add(writing)
  }

  /** Returns when nothing is being written any more, whatever came of it. */
  async rest(): Promise<void> {
    await Promise.all(this.#writing)
  }

  /** Returns when the disk has every file that was begun. @throws what one of them has failed with. */
  async settle(): Promise<void> {
    await this.rest()
    if (this.#failure !== undefined) throw this.#failure.error
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

/** Payloads hold names and numbers of people; everything else may be published. */
const privateMode = 0o600
const publicMode = 0o644

/** What a file is called until it is whole. */
export const halfSuffix = '.new'
