import { consistencyProof, sha256Tree } from '@hutong/merkle'
import {
  type CallContext,
  type Client,
  type RoleTable,
  type Routes,
  refuse,
  serverStream,
  status,
} from '@hutong/service'
import { newestCharter, zoneOfOrigin } from '@hutong/verify'
import {
  type AppendResponse,
  batchFromWire,
  type CosignRequest,
  type CosignResponse,
  type LoggedRecord,
  type LogServiceService,
  type ReadRequest,
  type ReadResponse,
  recordFromWire,
  recordToWire,
  type VerifierServiceService,
} from '@hutong/wire'
import { adopt } from './adopt.ts'
import type { CosignedHeads } from './cosigned-heads.ts'
import { readHubLeaves } from './documents.ts'
import type { AppendAnswer, HubLog } from './log.ts'
import { followRecords, type RecordParts, readRecords } from './read.ts'
import { receiptOf } from './receipt.ts'
import { type LogCode, logRefusal } from './refusals.ts'
import type { Witnesses } from './witnesses.ts'

/** Bytes of charters in one answer; the caller asks again from the next number. */
const chartersBytesMax: number = 1024 * 1024

/** How long a verifier may take to give what it kept. */
const adoptDeadlineMs = 600_000

/** Who may call what. Payloads are for verifiers, publishers and auditors alone, whatever else a role may read. */
export const logServiceRoles: RoleTable = {
  '/hutong.v1.LogService/Known': ['publisher', 'operator'],
  '/hutong.v1.LogService/Append': ['publisher'],
  '/hutong.v1.LogService/Read': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/Cosign': ['verifier'],
  '/hutong.v1.LogService/Receipt': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/Charters': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/Heads': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/InclusionProof': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/ConsistencyProof': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/Status': ['publisher', 'verifier', 'auditor', 'counter', 'operator', 'client'],
  '/hutong.v1.LogService/Adopt': ['operator'],
}

/** What the routes delegate to. */
export interface RouteParts {
  readonly log: HubLog
  readonly cosigned: CosignedHeads
  readonly witnesses: Witnesses
  readonly records: RecordParts
  readonly clock: () => number
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal
  readonly verifier: ((zone: string) => Client<typeof VerifierServiceService> | undefined) | undefined
}

/** LogService over what the log is: wire types end here. */
export function routesOf(parts: RouteParts): Routes<typeof LogServiceService> {
  const { log, cosigned, witnesses, clock } = parts
  const clockMs = () => BigInt(clock())
  return {
    async known({ origin }) {
      const zone = log.state.zones.get(origin)
      const position = zone?.position === undefined ? {} : { position: zone.position }
      const checkpoint = Buffer.from(zone?.checkpoint ?? [])
      return { clockMs: clockMs(), size: zone?.edge.size ?? 0n, checkpoint, ...position }
    },

    async append({ batch: message }, { caller }) {
      if (message === undefined) throw refused('MALFORMED', 'batch')
      const read = batchFromWire(message)
      if (read.kind === 'unreadable') throw refused('MALFORMED', 'batch', read.why)
      const { batch } = read
      if (zoneOfOrigin(newestCharter(log.trust), batch.origin) !== caller.zone) {
        const why = `${caller.zone} has no log ${batch.origin}`
        const nothing = { knownSize: 0n, knownCheckpoint: new Uint8Array() }
        return appendResponse({ kind: 'refused', code: 'BATCH_ORIGIN', why, ...nothing }, clockMs())
      }
      return appendResponse(await log.append(batch), clockMs())
    },

    read: (request, context) => read(parts, request, context),

    cosign: (requests, context) => cosign(parts, requests, context),

    async receipt({ origin, index }) {
      const receipt = await receiptOf(log, cosigned.newest, origin, index)
      if (receipt === undefined) throw refused('NOT_IN_LOG', 'index')
      return { witnessed: receipt.batchProof !== '', ...receipt }
    },

    async charters({ fromNumber }) {
      const { head, edge } = log.state
      const charters = []
      let bytes = 0
      for (const { charter, bytes: charterBytes, position: index } of log.trust.charters) {
        if (charter.number < fromNumber || index >= edge.size || bytes > chartersBytesMax) continue
        bytes += charterBytes.length
        const [leaf] = await readHubLeaves(log.store, index, index + 1n)
        const inclusionProof = (await log.inclusion(index, edge.size)).map(buffer)
        charters.push({ charter: buffer(charterBytes), leaf: buffer(leaf!), index, inclusionProof })
      }
      return { charters, head: buffer(head) }
    },

    async heads() {
      return { head: buffer(log.state.head), cosigned: Buffer.from(cosigned.newest?.note ?? []) }
    },

    async inclusionProof({ index, size }) {
      if (index >= size || size > log.state.edge.size) throw refused('NOT_FOUND', 'size')
      return { proof: (await log.inclusion(index, size)).map(buffer) }
    },

    async consistencyProof({ oldSize, newSize }) {
      if (oldSize > newSize || newSize > log.state.edge.size) throw refused('NOT_FOUND', 'new_size')
      return { proof: (await consistencyProof(sha256Tree, oldSize, newSize, log.nodes)).map(buffer) }
    },

    async status() {
      const refuses = log.refuses
      const sentence = refuses === undefined ? { zh: '', en: '' } : logRefusal(refuses)
      return {
        size: log.state.edge.size,
        cosignedSize: cosigned.newest?.size ?? 0n,
        witnesses: [...witnesses.present],
        quorum: witnesses.quorum,
        refuses: refuses ?? '',
        clockMs: clockMs(),
        refusesZh: sentence.zh,
        refusesEn: sentence.en,
      }
    },

    async adopt({ fromZone, dryRun }, { signal }) {
      const client = parts.verifier?.(fromZone)
      if (client === undefined) throw refused('NOT_FOUND', 'from_zone')
      const oldSize = log.state.edge.size
      const outcome = await adopt(log, recordsOf(client, oldSize, signal), dryRun)
      if (outcome.kind === 'refused') {
        return { oldSize, newSize: oldSize, refusal: logRefusal('ADOPT_REFUSED', 'from_zone', outcome.why) }
      }
      await witnesses.lookAgain()
      log.wake()
      return { oldSize: outcome.oldSize, newSize: outcome.newSize, refusal: undefined }
    },
  }
}

async function* read(parts: RouteParts, request: ReadRequest, context: CallContext): AsyncGenerator<ReadResponse> {
  const { signal: left, draining, caller } = context
  const { fromIndex: from, follow, withoutPayloads } = request
  const signal = AbortSignal.any([left, draining, parts.stopping])
  const payloads = !withoutPayloads && seesPayloads(caller.role)
  const records = follow
    ? followRecords(parts.records, { from, payloads, signal })
    : readRecords(parts.records, { from, payloads, signal })
  for await (const record of records) yield { record: recordToWire(record) }
  // Who reads on must not take the end of this hub for the end of the log.
  draining.throwIfAborted()
  if (parts.stopping.aborted) throw refused('SHUTTING_DOWN')
}

function seesPayloads(role: CallContext['caller']['role']): boolean {
  return role === 'verifier' || role === 'publisher' || role === 'auditor'
}

async function* cosign(
  { log, witnesses, clock }: RouteParts,
  requests: AsyncIterable<CosignRequest>,
  { caller }: CallContext,
): AsyncGenerator<CosignResponse> {
  let name: string | undefined
  try {
    for await (const { message } of requests) {
      if (message?.$case === 'hello' && name === undefined) {
        const { clockMs, ...hello } = message.value
        const answer = await witnesses.hello(caller.zone, { ...hello, clockMs: Number(clockMs) })
        if (answer.kind === 'refused') return yield refusalResponse(answer.code)
        name = hello.name
        log.wake()
        const welcome = { clockMs: BigInt(clock()), head: buffer(log.state.head) }
        yield { message: { $case: 'welcome', value: welcome } }
      } else if (message?.$case === 'cosignedHead' && name !== undefined) {
        const answer = await witnesses.cosignature(caller.zone, name, message.value)
        if (answer.kind === 'refused') yield refusalResponse(answer.code)
        else yield { message: { $case: 'takenSize', value: answer.size } }
      } else {
        return yield refusalResponse('MALFORMED')
      }
    }
  } finally {
    if (name !== undefined) witnesses.left(name)
  }
}

async function* recordsOf(
  client: Client<typeof VerifierServiceService>,
  fromIndex: bigint,
  signal: AbortSignal,
): AsyncGenerator<LoggedRecord> {
  for await (const { record } of serverStream(client, 'read', { fromIndex }, { signal, deadlineMs: adoptDeadlineMs })) {
    const reading = record === undefined ? undefined : recordFromWire(record)
    // A record that cannot be read ends what can be taken: the next would be out of turn.
    if (reading?.kind !== 'record') return
    yield reading.record
  }
}

function appendResponse(answer: AppendAnswer, clockMs: bigint): AppendResponse {
  switch (answer.kind) {
    case 'appended': {
      const { index, leaf, proof, head } = answer
      const value = { index, leaf: buffer(leaf), inclusionProof: proof.map(buffer), head: buffer(head), clockMs }
      return { outcome: { $case: 'appended', value } }
    }
    case 'refused': {
      const { code, why, knownSize, knownCheckpoint } = answer
      const refusal = logRefusal(code, 'batch', why)
      return {
        outcome: { $case: 'refused', value: { refusal, knownSize, knownCheckpoint: buffer(knownCheckpoint), clockMs } },
      }
    }
    case 'unavailable':
      throw refused(answer.code)
  }
}

function refusalResponse(code: LogCode): CosignResponse {
  return { message: { $case: 'refusal', value: logRefusal(code) } }
}

function refused(code: LogCode, field = '', expected = ''): Error {
  const { zh, en } = logRefusal(code, field, expected)
  return refuse({
    code,
    ...(field === '' ? {} : { field }),
    ...(expected === '' ? {} : { expected }),
    zh,
    en,
    grpc: grpcOf(code),
  })
}

/** UNAVAILABLE: the same call may succeed later, unchanged. */
function grpcOf(code: LogCode): status {
  switch (code) {
    case 'WAITING_FOR_WITNESSES':
    case 'ADOPT_NEEDED':
    case 'ADOPT_REFUSED':
    case 'CLOCK_OFF':
    case 'STORE_UNAVAILABLE':
    case 'ANOTHER_WRITER':
    case 'LOG_DAMAGED':
    case 'SHUTTING_DOWN':
      return status.UNAVAILABLE
    case 'QUEUE_FULL':
    case 'TOO_MANY_STREAMS':
    case 'DISK_FULL':
      return status.RESOURCE_EXHAUSTED
    case 'MALFORMED':
    case 'HEAD_NOT_SIGNED':
    case 'COSIGNATURE_INVALID':
      return status.INVALID_ARGUMENT
    case 'NOT_A_WITNESS':
      return status.PERMISSION_DENIED
    case 'NOT_IN_LOG':
    case 'NOT_FOUND':
      return status.NOT_FOUND
  }
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
