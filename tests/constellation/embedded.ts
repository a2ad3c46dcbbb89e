import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordSourceOfHub, replay, verifierPeer } from '@hutong/audit'
import { type BoxOptions, type CharterLimits, type RunningBox, startBox, whenReady } from '@hutong/deploy'
import type { Event, LicenceIssued } from '@hutong/licence'
import {
  createLogClient,
  createPublisherClient,
  createVerifierClient,
  type LogClient,
  type Outcome,
  type PublisherClient,
  type StageName,
  type VerifierClient,
} from '@hutong/sdk'
import { sha256 } from '@hutong/signing'
import type { Adopted, Answer, Constellation, Question, VerdictAnswer } from './constellation.ts'

/** Until every zone has heard every zone, however loaded the machine is. */
const readyLimitMs = 60_000
const publishDeadlineMs = 20_000
const auditDeadlineMs = 60_000

/**
 * Paces for stories: news comes quickly, and the limits of age lie far beyond what a loaded machine delays. Stories about silence name
 * their own.
 */
const patientLimits: Partial<CharterLimits> = { heartbeatMs: 1_000, freshMs: 20_000, usableMs: 60_000 }

/** An alliance in this process; what lies underneath is here for the stories that lay hands on it. */
export interface EmbeddedConstellation extends Constellation {
  readonly box: RunningBox
  readonly dataDir: string
  /** The folder in which a part keeps its data. */
  folder(part: string): string
  readonly publishers: ReadonlyMap<string, PublisherClient>
  readonly verifiers: ReadonlyMap<string, VerifierClient>
  readonly log: LogClient
}

/** Options of `startEmbedded`. */
export interface EmbeddedOptions extends Omit<BoxOptions, 'dataDir' | 'port'> {
  readonly zones: readonly string[] | 'all'
  /** Default: a temporary folder, removed in the end. */
  readonly dataDir?: string
}

/** Starts an alliance in this process, over SQLite; returns when every zone has heard every zone. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedConstellation> {
  await using opened = new AsyncDisposableStack()
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'constellation-')))
  if (options.dataDir === undefined) opened.defer(() => rm(dataDir, { recursive: true, force: true }))
  const box = opened.use(await startBox({ charterLimits: patientLimits, ...options, dataDir, port: 0 }))
  await Promise.race([whenReady(box, AbortSignal.timeout(readyLimitMs)), box.stopped])
  return new Embedded(box, opened.use(new AsyncDisposableStack()), opened.move())
}

class Embedded implements EmbeddedConstellation {
  readonly engine = 'embedded: SQLite, one process'
  readonly box: RunningBox
  readonly publishers: ReadonlyMap<string, PublisherClient>
  readonly verifiers: ReadonlyMap<string, VerifierClient>
  readonly log: LogClient
  readonly #parts: AsyncDisposableStack

  constructor(box: RunningBox, clients: AsyncDisposableStack, parts: AsyncDisposableStack) {
    this.box = box
    this.#parts = parts
    const { grpcAddress, tokens, zones } = box
    this.publishers = new Map(
      zones.map((zone) => [
        zone,
        clients.use(createPublisherClient(grpcAddress, { zone, token: tokens.of(zone, 'client') })),
      ]),
    )
    this.verifiers = new Map(
      zones.map((zone) => [
        zone,
        clients.use(createVerifierClient(grpcAddress, { zone, token: tokens.of('hub', 'auditor') })),
      ]),
    )
    this.log = clients.use(createLogClient(grpcAddress, { token: tokens.of('hub', 'auditor') }))
  }

  get zones(): readonly string[] {
    return this.box.zones
  }

  get dataDir(): string {
    return this.box.dataDir
  }

  get httpAddress(): string {
    return this.box.httpAddress
  }

  get environment(): Readonly<Record<string, string>> {
    return { HUTONG_DATA: this.dataDir }
  }

  folder(part: string): string {
    return part === 'hub' ? join(this.dataDir, 'hub') : join(this.dataDir, 'z', part)
  }

  issue(zone: string, licence: LicenceIssued, waitFor?: StageName): Promise<Outcome> {
    return this.publish(zone, licence, waitFor)
  }

  suspend(zone: string, licence: LicenceIssued): Promise<Outcome> {
    return this.publish(zone, { kind: 'licence_suspended', ...decisionOn(licence) })
  }

  resume(zone: string, licence: LicenceIssued): Promise<Outcome> {
    return this.publish(zone, { kind: 'licence_resumed', ...decisionOn(licence) })
  }

  revoke(...[zone, licence, manner = 'cancelled']: Parameters<Constellation['revoke']>): Promise<Outcome> {
    return this.publish(zone, { kind: 'licence_revoked', manner, ...decisionOn(licence) })
  }

  declare(...[zone, declaration]: Parameters<Constellation['declare']>): Promise<Outcome> {
    return this.publish(zone, declaration)
  }

  withdraw(...[zone, { declarationId, version }]: Parameters<Constellation['withdraw']>): Promise<Outcome> {
    const kind = 'recognition_withdrawn'
    return this.publish(zone, { kind, declarationId, version, effectiveFromMs: undefined, reason: '演示' })
  }

  async publish(zone: string, event: Event, waitFor: StageName = 'witnessed'): Promise<Outcome> {
    const publisher = this.publishers.get(zone)!
    const call = { waitFor, deadlineMs: publishDeadlineMs }
    const [outcome] = await publisher.publish([{ requestId: randomUUID(), event }], call)
    return outcome!
  }

  async verify(zone: string, question: Question): Promise<Answer> {
    const response = await fetch(`http://${this.httpAddress}/z/${zone}/v1/verdicts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.box.tokens.of(zone, 'client')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(question),
    })
    const body = (await response.json()) as VerdictJson & { readonly code: string }
    if (!response.ok) return { kind: 'refused', status: response.status, code: body.code }
    return answerFrom(body)
  }

  history(...[zone, identifier]: Parameters<Constellation['history']>): ReturnType<Constellation['history']> {
    return this.verifiers.get(zone)!.history(identifier)
  }

  digest(...[zone, position = 0n]: Parameters<Constellation['digest']>): ReturnType<Constellation['digest']> {
    return this.verifiers.get(zone)!.digest({ position })
  }

  verifierStatus(zone: string): ReturnType<Constellation['verifierStatus']> {
    return this.verifiers.get(zone)!.status()
  }

  publisherStatus(zone: string): ReturnType<Constellation['publisherStatus']> {
    return this.publishers.get(zone)!.status()
  }

  hubStatus(): ReturnType<Constellation['hubStatus']> {
    return this.log.status()
  }

  auditReplay(): ReturnType<Constellation['auditReplay']> {
    return replay({
      source: recordSourceOfHub({
        read: (request) => this.log.read(request, { deadlineMs: auditDeadlineMs }),
        heads: () => this.log.heads(),
      }),
      charterSha256: sha256(this.box.alliance.charterBytes),
      verifiers: [...this.verifiers].map(([zone, client]) =>
        verifierPeer(zone, {
          status: () => client.status(),
          digest: (slice) => client.digest(slice, { deadlineMs: auditDeadlineMs }),
        }),
      ),
    })
  }

  stop(part: string): Promise<void> {
    return this.box.stop(part)
  }

  start(part: string): Promise<void> {
    return this.box.start(part)
  }

  async adoptPublisher(zone: string): Promise<Adopted> {
    const token = this.box.tokens.of(zone, 'operator')
    using operator = createPublisherClient(this.box.grpcAddress, { zone, token })
    return adopted(await operator.adopt(false))
  }

  async adoptLog(fromZone: string): Promise<Adopted> {
    using operator = createLogClient(this.box.grpcAddress, { token: this.box.tokens.of('hub', 'operator') })
    return adopted(await operator.adopt(fromZone, false))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync()
  }
}

function decisionOn({ identifier, authority }: LicenceIssued) {
  return { identifier, authority, reason: '演示', decidedOn: '' }
}

function adopted(answer: {
  readonly oldSize: bigint
  readonly newSize: bigint
  readonly refusal?: { readonly code: string } | undefined
}): Adopted {
  return { oldSize: answer.oldSize, newSize: answer.newSize, refused: answer.refusal?.code }
}

interface VerdictJson {
  readonly findings: Pick<VerdictAnswer, 'word' | 'code' | 'position'> & {
    readonly ageMs?: number
    readonly findings: readonly { readonly check: string; readonly result: 'passed'; readonly code: string }[]
  }
  readonly receiptNumber: string
}

function answerFrom({ findings: verdict, receiptNumber }: VerdictJson): VerdictAnswer {
  const { word, code, ageMs, position } = verdict
  const checks: VerdictAnswer['checks'] = Object.fromEntries(
    verdict.findings.map(({ check, result, code: reason }) => [check, `${result} ${reason}` as const]),
  )
  return { kind: 'verdict', word, code, checks, ageMs, position, receiptNumber }
}
