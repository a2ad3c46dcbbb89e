import { growLog, sha256Tree, tileWidth } from '@hutong/merkle'
import type { ExportFolder } from './export-folder.ts'
import { payloadBundlePath } from './export-layout.ts'
import { decodePayloadBundle, type ExportedPayload, encodePayloadBundle } from './export-payload-bundle.ts'

/** Leaves of one log that are written at a time: a whole number of full tiles. */
const leavesPerGrowth = 4096n

/** Writes one log as tiles and bundles while its leaves come in. What is not yet written is at most `leavesPerGrowth` leaves. */
export class LogWriter {
  readonly #folder: ExportFolder
  readonly #path: string
  /** Leaves on the disk. */
  #size: bigint
  #pending: Uint8Array[] = []
  #superseded: string[] = []

  /** @param path the folder of the log in the export, which holds the files of a log of `size` leaves. */
  constructor(folder: ExportFolder, path: string, size: bigint) {
    this.#folder = folder
    this.#path = path
    this.#size = size
  }

  /** @throws {LogFileError} a partial file of the log is not what it was. */
  async add(leaf: Uint8Array): Promise<void> {
    // A copy: a view would hold the whole answer of the hub that it came in.
    this.#pending.push(Uint8Array.from(leaf))
    if ((this.#size + BigInt(this.#pending.length)) % leavesPerGrowth === 0n) await this.flush()
  }

  /** Begins to write the files of a log of all leaves added. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return
    // The partial files that the log grows from may be among those that are still being written.
    await this.#folder.settle()
    const leaves = this.#pending
    const read = (path: string) => this.#folder.files.read(`${this.#path}/${path}`)
    const { files, superseded } = await growLog(sha256Tree, this.#size, leaves, read)
    for (const { path, content } of files) await this.#folder.begin(`${this.#path}/${path}`, content)
    this.#superseded.push(...superseded.map((path) => `${this.#path}/${path}`))
    this.#size += BigInt(leaves.length)
    this.#pending = []
  }

  /** Partial files that newer ones replace since this was asked last. */
  takeSuperseded(): readonly string[] {
    const superseded = this.#superseded
    this.#superseded = []
    return superseded
  }
}

/** Writes the payloads of one zone's log in bundles. What is not yet written is less than one bundle. */
export class PayloadWriter {
  readonly #folder: ExportFolder
  readonly #zone: string
  readonly #origin: string
  #firstIndex: bigint
  #payloads: ExportedPayload[]
  #writtenWidth: number
  #superseded: string[] = []

  /** Goes on where the bundles of a log of `size` leaves end; what the last of them should hold and does not counts as absent. */
  static async open(folder: ExportFolder, zone: string, origin: string, size: bigint): Promise<PayloadWriter> {
    const width = Number(size % BigInt(tileWidth))
    const firstIndex = size - BigInt(width)
    const bytes = width === 0 ? undefined : await folder.files.read(pathOf(zone, firstIndex, width))
    const reading = bytes && decodePayloadBundle(bytes, { origin, firstIndex, width })
    const isSound = reading !== undefined && reading.fault === undefined
    const absent = Array.from({ length: width }, (): ExportedPayload => ({ kind: 'absent' }))
    return new PayloadWriter(folder, zone, origin, firstIndex, isSound ? reading.payloads : absent)
  }

  private constructor(
    folder: ExportFolder,
    zone: string,
    origin: string,
    firstIndex: bigint,
    payloads: readonly ExportedPayload[],
  ) {
    this.#folder = folder
    this.#zone = zone
    this.#origin = origin
    this.#firstIndex = firstIndex
    this.#payloads = [...payloads]
    this.#writtenWidth = payloads.length
  }

  async add(payload: ExportedPayload): Promise<void> {
    this.#payloads.push(ownBytes(payload))
    if (this.#payloads.length === tileWidth) await this.flush()
  }

  /** Begins to write the payloads of all leaves added. */
  async flush(): Promise<void> {
    const width = this.#payloads.length
    if (width === this.#writtenWidth) return
    const name = { origin: this.#origin, firstIndex: this.#firstIndex, width }
    await this.#folder.begin(pathOf(this.#zone, this.#firstIndex, width), encodePayloadBundle(name, this.#payloads))
    if (this.#writtenWidth > 0) this.#superseded.push(pathOf(this.#zone, this.#firstIndex, this.#writtenWidth))
    this.#writtenWidth = width
    if (width < tileWidth) return
    this.#firstIndex += BigInt(tileWidth)
    this.#payloads = []
    this.#writtenWidth = 0
  }

  /** As of a `LogWriter`. */
  takeSuperseded(): readonly string[] {
    const superseded = this.#superseded
    this.#superseded = []
    return superseded
  }
}

function pathOf(zone: string, firstIndex: bigint, width: number): string {
  return payloadBundlePath(zone, firstIndex / BigInt(tileWidth), width)
}

function ownBytes(payload: ExportedPayload): ExportedPayload {
  if (payload.kind !== 'given') return payload
  return { kind: 'given', salt: Uint8Array.from(payload.salt), payload: Uint8Array.from(payload.payload) }
}
