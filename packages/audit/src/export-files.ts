import { constants, type FileHandle, open, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'

/** Files that an export holds at most: three for each 256 events, enough for 2^32 of them, and a bound all the same. */
const maxExportFiles = 60_000_000

/** The longest file that an export can have is a payload bundle: 256 payloads of 64 KiB. Of a longer one no more is read. */
const maxExportFileBytes = 32 * 1024 * 1024

/** The files of an export, by path below its directory, with slashes. A failing `read` or `list` passes through. */
export interface ExportFiles {
  /** The bytes of a file, of a longer one than an export has the first 32 MiB; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /** The paths of all that is there and no directory. */
  list(): Promise<readonly string[]>
}

/** The files below a directory. What only leads to a file, and what is no file (a pipe, a device), is none. */
export function filesOfDirectory(directory: string): ExportFiles {
  return {
    async read(path) {
      try {
        await using file = await open(join(directory, path), plainFile)
        return (await file.stat()).isFile() ? await firstBytes(file) : undefined
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    async list() {
      const found = await readdir(directory, { recursive: true, withFileTypes: true })
      if (found.length > maxExportFiles) throw new RangeError(`${directory}: more files than an export has`)
      return found
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    },
  }
}

/** Only the files below a folder of it, by their path below that folder. */
export function filesBelow(files: ExportFiles, folder: string): ExportFiles {
  return {
    read: (path) => files.read(`${folder}/${path}`),
    list: async () => {
      const start = `${folder}/`
      return (await files.list()).filter((path) => path.startsWith(start)).map((path) => path.slice(start.length))
    },
  }
}

/** A link is not followed, and a pipe that nobody writes into is not waited for. */
const plainFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

async function firstBytes(file: FileHandle): Promise<Uint8Array> {
  return buffer(file.createReadStream({ end: maxExportFileBytes, autoClose: false }))
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENXIO'
}
