import { type AsOf, isRefusal, type Refusal, refusal } from '@hutong/licence'
import { type CallContext, type RoleTable, type Routes, refuse, status } from '@hutong/service'
import { StoreUnavailableError } from '@hutong/store'
import { newestCharter, newestLeafMs } from '@hutong/verify'
import {
  type AsOfMessage,
  asOfFromWire,
  eventToWire,
  type HistoryEvent,
  type LicenceEventBytes,
  type MatrixRow,
  recognitionDeclaredToWire,
  recordToWire,
  refusalToWire,
  type VerifierServiceReadResponse,
  type VerifierServiceService,
  verdictToWire,
} from '@hutong/wire'
import { type FoundLicence, identifierOf } from './answer.ts'
import { missingPayloads } from './fetch-missing.ts'
import { declarationsInForce, kindWord, type ToldEvent, toldEvents } from './history.ts'
import { type LicenceEvent, licenceEvents } from './licence-events.ts'
import { readBack } from './read-back.ts'
import type { Standpoint } from './standpoint.ts'
import { type Copy, zonesHolding } from './subjects.ts'
import type { Verifier } from './verifier.ts'

/** Ids of missing payloads told at most. */
const missingToldMax = 256
/** Subject strings asked for at once at most. */
const subjectStringsMax = 256

/** Who may call what. Payloads go to auditors, the operator and a hub that takes its log back. */
export const verifierServiceRoles: RoleTable = {
  '/hutong.v1.VerifierService/Verify': ['counter', 'client', 'operator', 'auditor'],
  '/hutong.v1.VerifierService/History': ['counter', 'client', 'operator', 'auditor', 'publisher'],
  '/hutong.v1.VerifierService/LicenceEvents': ['client', 'operator', 'auditor'],
  '/hutong.v1.VerifierService/Digest': ['auditor', 'operator'],
  '/hutong.v1.VerifierService/Status': ['publisher', 'verifier', 'counter', 'client', 'operator', 'auditor'],
  '/hutong.v1.VerifierService/Matrix': ['publisher', 'counter', 'client', 'operator', 'auditor'],
  '/hutong.v1.VerifierService/Read': ['log', 'operator', 'auditor'],
  '/hutong.v1.VerifierService/Subjects': ['publisher', 'operator'],
}

/** What the routes delegate to. */
export interface RouteParts {
  readonly verifier: Verifier
  readonly clock: () => number
}

/** VerifierService over what a verifier is: wire types end here. */
export function routesOf({ verifier, clock }: RouteParts): Routes<typeof VerifierServiceService> {
  const { answerer, follower, store, zone } = verifier
  const copyNow = (): Copy => answerer.copy() ?? throwRefusal(refusal('NOT_YET'), status.UNAVAILABLE)
  const standpoint = async (asOf: AsOfMessage | undefined): Promise<Standpoint> => {
    const found = (await answerer.standpoint(asOfAsked(asOf), clock())) ?? refusal('NOT_YET')
    return isRefusal(found) ? throwRefusal(found, statusOf(found)) : found
  }
  const licenceOf = async (copy: Copy, identifier: string): Promise<FoundLicence> => {
    const reading = identifierOf(identifier)
    if (isRefusal(reading)) throwRefusal(reading, status.INVALID_ARGUMENT)
    const found = await answerer.licence(copy, reading)
    return isRefusal(found) ? throwRefusal(found, statusOf(found)) : found
  }
  return {
    async verify({ identifier, matter, holderCode, fileSha256, asOf: wireAsOf }) {
      if (fileSha256.length !== 0 && fileSha256.length !== 32) {
        throwRefusal(refusal('FILE_DIGEST', { field: 'file_sha256', expected: '32 bytes' }), status.INVALID_ARGUMENT)
      }
      const file = fileSha256.length === 0 ? undefined : fileSha256
      const asOf = asOfAsked(wireAsOf)
      const answer = await answerer.verify({ identifier, matter, holderCode, fileSha256: file, asOf })
      if (answer.kind === 'refused') throwRefusal(answer.refusal, statusOf(answer.refusal))
      const { findings, checkedAtMs } = answer
      return { verdict: verdictToWire({ findings, checkedAtMs, receiptNumber: '' }) }
    },

    history: ({ identifier, asOf }) =>
      fromStore(async () => {
        const { copy, knowledge } = await standpoint(asOf)
        const { fold, subjects } = await licenceOf(copy, identifier)
        const events = await toldEvents(copy, fold, subjects)
        const atMs = BigInt(knowledge.nowMs)
        return { events: events.map(historyEvent), position: copy.position, state: fold.licence.kind, atMs }
      }),

    licenceEvents: ({ identifier, asOf }) =>
      fromStore(async () => {
        const { copy } = await standpoint(asOf)
        const { fold } = await licenceOf(copy, identifier)
        const events = await licenceEvents(copy, fold)
        if (isRefusal(events)) throwRefusal(events, statusOf(events))
        return { events: events.map(licenceEventBytes), position: copy.position, zone: fold.zone }
      }),

    digest: ({ position, from, count }, { signal }) =>
      fromStore(async () => {
        const answer = await verifier.digests.at(copyNow(), { position, from, count }, signal)
        if (answer.kind === 'refused') {
          const empty = { root: buffer(nothing), rows: 0n, digest: buffer(nothing), row: buffer(nothing) }
          return { position, ...empty, refusal: refusalToWire(answer.refusal) }
        }
        const { root, rows, digest, row } = answer
        return {
          position: answer.position,
          root: buffer(root),
          rows,
          digest: buffer(digest),
          row: buffer(row ?? nothing),
          refusal: undefined,
        }
      }),

    status: () =>
      fromStore(async () => {
        const { state, leaves, head, cosigned, fault } = follower.view
        const { trust, position, logs } = state
        const sizeOf = (id: string) =>
          [...logs.values()].reduce((size, log) => (log.zone === id && log.edge.size > size ? log.edge.size : size), 0n)
        const zones = trust === undefined ? [] : newestCharter(trust).zones
        return {
          zone,
          position,
          head: buffer(head?.signed.note ?? nothing),
          cosigned: buffer(cosigned?.note ?? nothing),
          zones: zones.map(({ id }) => ({
            zone: id,
            newestLeafMs: BigInt((trust && newestLeafMs(leaves, trust, position, id)) ?? 0),
            size: sizeOf(id),
          })),
          missingPayloads: [...(await missingPayloads(store, position, missingToldMax))],
          fault: fault === undefined ? '' : `HUB_FAULT ${fault.code}: ${fault.detail}`,
          waiting: follower.waiting,
        }
      }),

    matrix: ({ receivingZone, asOf }) =>
      fromStore(async () => {
        const { copy, knowledge } = await standpoint(asOf)
        const { nowMs } = knowledge
        const asked = receivingZone === '' ? undefined : receivingZone
        const rows = await declarationsInForce(answerer, copy, asked, nowMs)
        return {
          rows: rows.map(
            ({ declaration, ...row }): MatrixRow => ({ ...row, declaration: recognitionDeclaredToWire(declaration) }),
          ),
          position: copy.position,
          atMs: BigInt(nowMs),
        }
      }),

    read: ({ fromIndex }, context) => records(verifier, fromIndex, context),

    subjects: ({ subjectStrings }) =>
      fromStore(async () => {
        if (subjectStrings.length > subjectStringsMax) {
          const about = { field: 'subject_strings', expected: `at most ${subjectStringsMax}` }
          throwRefusal(refusal('TOO_MANY_ITEMS', about), status.INVALID_ARGUMENT)
        }
        const copy = copyNow()
        const subjects = []
        for (const subjectString of subjectStrings) {
          subjects.push({ zones: [...(await zonesHolding(copy, subjectString))] })
        }
        return { subjects, position: copy.position }
      }),
  }
}

async function* records(
  { store, follower }: Verifier,
  fromIndex: bigint,
  { signal, draining }: CallContext,
): AsyncGenerator<VerifierServiceReadResponse> {
  for await (const record of readBack(store, follower.view, fromIndex, signal)) {
    draining.throwIfAborted()
    yield { record: recordToWire(record) }
  }
}

function historyEvent({ judged, read }: ToldEvent): HistoryEvent {
  const event = read?.reading.kind === 'read' ? eventToWire(read.reading.payload.event) : undefined
  return {
    eventId: `${judged.origin}/${judged.index}`,
    position: judged.position ?? 0n,
    place: judged.place,
    kind: kindWord(judged.kind),
    loggedAtMs: BigInt(judged.loggedAtMs),
    receivedAtMs: BigInt(judged.receivedAtMs),
    leafHash: buffer(judged.leafHash),
    verdict: judged.code,
    signer: judged.signer,
    event,
  }
}

/** A store that is away is no fault of the caller's and passes: it may ask again. */
async function fromStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StoreUnavailableError) throwRefusal(refusal('STORE_AWAY'), status.UNAVAILABLE)
    throw error
  }
}

function licenceEventBytes({ origin, index, position, place, leaf, salt, payload }: LicenceEvent): LicenceEventBytes {
  return { origin, index, position, place, leaf: buffer(leaf), salt: buffer(salt), payload: buffer(payload) }
}

/** Up to when is asked; undefined: about now. What says neither a position nor a time is no question about now. */
function asOfAsked(asOf: AsOfMessage | undefined): AsOf | undefined {
  if (asOf === undefined) return undefined
  return asOfFromWire(asOf) ?? throwRefusal(refusal('AS_OF', { field: 'as_of' }), status.INVALID_ARGUMENT)
}

function statusOf({ code }: Refusal): status {
  return refusalStatuses.get(code) ?? status.INVALID_ARGUMENT
}

const refusalStatuses: ReadonlyMap<string, status> = new Map([
  ['QUEUE_FULL', status.RESOURCE_EXHAUSTED],
  ['NOT_YET', status.UNAVAILABLE],
  ['NOT_FOUND', status.NOT_FOUND],
  ['PAYLOAD_MISMATCH', status.UNAVAILABLE],
  ['BEFORE_FIRST_LEAF', status.OUT_OF_RANGE],
  ['ANSWER_TOO_LARGE', status.OUT_OF_RANGE],
])

function throwRefusal({ code, field, expected, zh, en }: Refusal, grpc: status): never {
  throw refuse({
    code,
    ...(field !== '' && { field }),
    ...(expected !== '' && { expected }),
    zh,
    en,
    grpc,
    // By HTTP it contradicts what is here now: no failure of this service.
    ...(code === 'NOT_YET' && { http: 409 }),
  })
}

const nothing = new Uint8Array(0)

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
