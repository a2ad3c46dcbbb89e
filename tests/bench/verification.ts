import { LoggedRecord } from '@hutong/proto/hub'
import { Leaf } from '@hutong/proto/leaf'
import { Payload } from '@hutong/proto/payload'
import { generateKey, sha256, signerFromPem, verifySignature } from '@hutong/signing'
import {
  emptyFold,
  type FoldContext,
  type FollowState,
  foldEvent,
  followEntry,
  type ReadEvent,
  type SubjectFold,
  startFollowing,
  type Trust,
} from '@hutong/verify'
import { World } from '@hutong/verify/world'
import { decodeLeaf, decodePayload, decodeRecord, type EntryRecord, encodeRecord } from '@hutong/wire'
import { type Line, measureInTurn } from './measure.ts'

const batchEntries = 256
const replayedBatches = 40

/**
 * What a follower pays for an event: decoding, hashes, its share of the batch's signatures, the judgement. Held against one SM2
 * verification for each event through node's own crypto, and against decoding alone, by the generated decoders and by ours.
 */
export function benchVerification(): readonly Line[] {
  const world = new World({ suite: 'SM2-SM3' })
  for (let batch = 0; batch < replayedBatches; batch++) {
    world.publishBatch(
      'beijing',
      Array.from({ length: batchEntries }, (_, at) => world.licence('beijing', String(batch * batchEntries + at + 1))),
    )
  }
  const [charter, ...batches] = world.records.map((record) => encodeRecord(record))
  const start = followAll(startFollowing(world.pinnedSha256), [charter!], new Judge())
  const firstBatch = batches.slice(0, 1)
  const events = batchEntries * replayedBatches
  const verifications = 256

  const [following, verifying, hashing] = measureInTurn([
    { name: 'follow', items: batchEntries * 8, run: repeated(8, () => followBatches(start, firstBatch, batchEntries)) },
    { name: 'verify', items: verifications, run: repeated(verifications, oneVerification()) },
    { name: 'hash', items: batchEntries * 8, run: repeated(8, () => hashEach(firstBatch)) },
  ])
  const [replaying, generated, strict] = measureInTurn([
    { name: 'replay', items: events, run: () => followBatches(start, batches, events) },
    { name: 'generated decoders', items: events, run: () => decodeGenerated(batches) },
    { name: 'our decoders', items: events, run: () => decodeStrictly(batches) },
  ])
  const batch = following!.microseconds
  const replay = replaying!.microseconds
  return [
    line(
      'batch verification, n = 256, SM2',
      batch,
      'one SM2 verification an event, node',
      verifying!.microseconds / batch,
      20,
    ),
    line('the same', batch, 'two bare SHA-256 an event', hashing!.microseconds / batch, 0),
    line('replay in memory', replay, 'decoding alone, generated decoders', generated!.microseconds / replay, 0.25),
    line('the same', replay, 'decoding alone, our strict decoders', strict!.microseconds / replay, 0),
  ]
}

function repeated(times: number, run: () => void): () => void {
  return () => {
    for (let at = 0; at < times; at++) run()
  }
}

/** A batch is followed and judged anew each time: no fold grows from one round to the next. */
function followBatches(start: FollowState, batches: readonly Uint8Array[], events: number): void {
  const judge = new Judge()
  followAll(start, batches, judge)
  judge.assertAllStand(events)
}

function followAll(start: FollowState, records: readonly Uint8Array[], judge: Judge): FollowState {
  let state = start
  for (const bytes of records) {
    const followed = followEntry(state, entryIn(bytes))
    if (followed.kind === 'refused') throw new Error(followed.reason)
    state = followed.state
    judge.take(followed.events, state.trust!)
  }
  return state
}

function decodeStrictly(batches: readonly Uint8Array[]): void {
  for (const bytes of batches) {
    for (const { leaf, payload } of entryIn(bytes).entries) {
      if (decodeLeaf(leaf).kind !== 'leaf' || decodePayload(payload).kind !== 'payload') throw new Error('unreadable')
    }
  }
}

function decodeGenerated(batches: readonly Uint8Array[]): void {
  for (const bytes of batches) {
    const { record } = LoggedRecord.decode(bytes)
    if (record?.$case !== 'entry') throw new Error('no entry record')
    for (const { leaf, payload } of record.value.entries) {
      if (Leaf.decode(leaf).version !== 1 || Payload.decode(payload).event === undefined) throw new Error('unreadable')
    }
  }
}

function oneVerification(): () => void {
  const signer = signerFromPem(generateKey('SM2-SM3').privateKeyPem)
  const message = Buffer.alloc(130, 'leaf')
  const signature = signer.sign(message)
  return () => {
    if (!verifySignature(signer.publicKey, message, signature)) throw new Error('a good signature refused')
  }
}

function hashEach(batches: readonly Uint8Array[]): void {
  for (const bytes of batches) {
    for (const { leaf, payload } of entryIn(bytes).entries) {
      sha256(leaf)
      sha256(payload)
    }
  }
}

function entryIn(bytes: Uint8Array): EntryRecord {
  const reading = decodeRecord(bytes)
  if (reading.kind !== 'record' || reading.record.kind !== 'entry') throw new Error('no entry record')
  return reading.record
}

/** Folds each event into its subject, as a verifier or an auditor does. */
class Judge {
  readonly #folds = new Map<string, SubjectFold>()
  readonly #primaries = new Map<string, string>()

  take(events: readonly ReadEvent[], trust: Trust): void {
    const context: FoldContext = { trust, primarySubject: (string) => this.#primaries.get(string) }
    for (const event of events) {
      const { reading, subject } = event
      if (reading.kind === 'read' && reading.subjectMatches && reading.subjectString !== undefined) {
        if (!this.#primaries.has(reading.subjectString)) this.#primaries.set(reading.subjectString, subject)
      }
      this.#folds.set(
        subject,
        foldEvent(this.#folds.get(subject) ?? emptyFold(event.kept.zone, subject), event, context),
      )
    }
  }

  /** Every licence must have come to stand: else the bench would measure refusals. */
  assertAllStand(events: number): void {
    const standing = [...this.#folds.values()].filter(({ licence }) => licence.kind === 'in_force').length
    if (standing !== events) throw new Error(`${standing} of ${events} licences stand`)
  }
}

function line(what: string, microseconds: number, floor: string, ratio: number, wanted: number): Line {
  return {
    what,
    figure: `${microseconds.toFixed(1)} µs an event`,
    floor,
    ratio,
    asked: wanted === 0 ? '' : String(wanted),
    met: ratio >= wanted,
  }
}
