import { join } from 'node:path'
import {
  type Export,
  growingRecordsOfHub,
  openExport,
  type RecordSource,
  recordSourceOfHub,
  type VerifierPeer,
  verifierPeer,
} from '@hutong/audit'
import type { LogClient, VerifierClient } from '@hutong/sdk'
import { type Box, type BoxOptions, dataDirectory, findBox, knownZone } from './box.ts'
import { boxCharterName } from './box-file.ts'
import type { Cli } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { pinnedCharter } from './pinned-charter.ts'

/** How long a verifier may take for a digest, in milliseconds: it folds everything it holds anew, and all are asked at once. */
const digestDeadlineMs = 600_000
/** Prefix of an exported directory among sides, and of a verifier. */
const exportPrefix = 'export:'
const verifierPrefix = 'verifier:'

/** Options by which an audit finds what it looks at. */
export interface AuditOptions extends BoxOptions {
  readonly charter?: string
  readonly charterSha256?: string
}

/** What an audit asks, open as long as it is in use. The box is looked for only where something of it is asked. */
export class Sides implements Disposable {
  readonly #cli: Cli
  readonly #options: AuditOptions
  readonly #opened: DisposableStack = new DisposableStack()
  #box: Promise<Box> | undefined
  #log: LogClient | undefined

  constructor(cli: Cli, options: AuditOptions) {
    this.#cli = cli
    this.#options = options
  }

  /** SHA-256 of charter 0: of the file named, else of the data directory. @throws {CommandError} there is none. */
  async charterSha256(): Promise<Uint8Array> {
    const charter = this.#options.charter ?? join(dataDirectory(this.#cli, this.#options), boxCharterName)
    return (await pinnedCharter({ ...this.#options, charter })).sha256
  }

  async hub(): Promise<RecordSource> {
    const log = await this.#hubClient()
    return recordSourceOfHub({
      read: (request, signal) => log.read(request, signal === undefined ? {} : { signal }),
      heads: (signal) => log.heads(signal === undefined ? {} : { signal }),
    })
  }

  /** The hub's records as they grow. */
  async growingHub(): Promise<Pick<RecordSource, 'records'>> {
    const log = await this.#hubClient()
    return growingRecordsOfHub({
      read: (request, signal) => log.read(request, signal === undefined ? {} : { signal }),
    })
  }

  /** @throws {CommandError} the directory holds no export. */
  async export(directory: string, charterSha256: Uint8Array): Promise<Export> {
    const opened = await openExport(directory, { charterSha256 })
    if (opened.kind === 'export') return opened
    throw new CommandError(exits.usage, opened.code, `${directory}: ${opened.zh} ${opened.en}`)
  }

  /** Every zone's verifier. */
  async verifiers(): Promise<readonly VerifierPeer[]> {
    const box = await this.#running()
    return box.zones.map((zone) => this.#peer(box, zone))
  }

  /** The verifier of one zone. @throws {CommandError} the box has no such zone. */
  async verifier(zone: string): Promise<VerifierPeer> {
    const box = await this.#running()
    return this.#peer(box, knownZone(box, zone, 'verifier'))
  }

  [Symbol.dispose](): void {
    this.#opened.dispose()
  }

  async #hubClient(): Promise<LogClient> {
    const box = await this.#running()
    this.#log ??= this.#opened.use(box.log('auditor'))
    return this.#log
  }

  #running(): Promise<Box> {
    this.#box ??= findBox(this.#cli, this.#options)
    return this.#box
  }

  #peer(box: Box, zone: string): VerifierPeer {
    const client: VerifierClient = this.#opened.use(box.verifier(zone, 'auditor'))
    return verifierPeer(zone, {
      status: (signal) => client.status(signal === undefined ? {} : { signal }),
      digest: (slice, signal) =>
        client.digest(slice, { deadlineMs: digestDeadlineMs, ...(signal === undefined ? {} : { signal }) }),
    })
  }
}

/** One side as it is written on the command line. */
export type NamedSide =
  | { readonly kind: 'hub' }
  | { readonly kind: 'export'; readonly directory: string }
  | { readonly kind: 'verifier'; readonly zone: string }

/** Reads `hub`, `export:DIR` or `verifier:ZONE`. @throws {CommandError} it is none of them. */
export function sideFromText(text: string): NamedSide {
  if (text === 'hub') return { kind: 'hub' }
  const directory = text.startsWith(exportPrefix) ? text.slice(exportPrefix.length) : ''
  if (directory !== '') return { kind: 'export', directory }
  const zone = text.startsWith(verifierPrefix) ? text.slice(verifierPrefix.length) : ''
  if (zone !== '') return { kind: 'verifier', zone }
  throw new CommandError(exits.usage, 'USAGE', `want hub, verifier:<zone> or export:<directory>, got "${text}"`)
}
