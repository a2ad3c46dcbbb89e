import { batchLimits, entryOf, entrySizeBytes, saltBytes, subjectValue } from '@hutong/batch'
import {
  authorityCheck,
  type Charter,
  checkForm,
  type Event,
  evolveDeclaration,
  evolveLicence,
  isRefusal,
  kindNumber,
  type LicenceEvent,
  namedLicence,
  type RecognitionEvent,
  type Refusal,
  type Restated,
  readIdentifier,
  refusal,
  subjectStringOf,
  zonesOfIssuer,
} from '@hutong/licence'
import { sha256Tree } from '@hutong/merkle'
import { encodePayload, subjectSecretBytes } from '@hutong/wire'
import type { KeptEntry, Place } from './documents.ts'
import { publisherRefusal } from './refusals.ts'
import type { Authorities } from './settings.ts'
import { type NewLogEntry, newSubject, requestKey, type Subject } from './zone-log.ts'

/** Who asks, and for whom it may speak. */
export interface Client {
  /** Its name in the transport identity. */
  readonly name: string
  readonly authorities: Authorities
}

/** One event a client asks to publish, its form judged already. */
export interface AskedEvent {
  readonly client: Client
  readonly requestId: string
  readonly event: Event
  /** Undefined for observed alone. */
  readonly subjectString: string | undefined
  /** `requestKey` of client and request id; empty for observed. */
  readonly key: string
  /** Other zones in whose logs the identifier stands; `unknown` when the zone's verifier did not answer; undefined when nobody need be asked. */
  readonly elsewhere: readonly string[] | 'unknown' | undefined
}

/** What an event comes to: a new entry, an earlier one with equal content, or a refusal. Nothing is written yet. */
export type Judgement =
  | { readonly kind: 'accepted'; readonly index: bigint }
  | { readonly kind: 'duplicate'; readonly place: Place }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** Longest request_id, in bytes of UTF-8. */
const maxRequestIdBytes = 64
const observedSubject = new Uint8Array(32)
/** Enough for 64 new subjects. */
const randomBytesPerDraw = 64 * (subjectSecretBytes + saltBytes)

/** What can be said of an event by looking at nothing but the event and who asks (form, power of the caller). */
export function judgeForm(client: Client, requestId: string, event: Event): Refusal | undefined {
  if (!isRequestId(requestId)) return refusal('REQUEST_ID', { field: 'request_id', expected: '1 to 64 bytes' })
  if (event.kind === 'observed') return refusal('NOT_PUBLISHABLE', { field: 'event.observed' })
  return (
    checkForm(event) ??
    (mayAsk(client, event) ? undefined : refusal('NOT_AUTHORISED', { field: `event.${event.kind}` }))
  )
}

/**
 * Whether an identifier may live in another zone's log, so that its zone's verifier must be asked before it is issued: its issuer
 * belongs to several zones, or nothing in it can be trusted to name one.
 */
export function mayLiveElsewhere(charter: Charter, event: Event): boolean {
  if (event.kind !== 'licence_issued') return false
  const reading = readIdentifier(event.identifier)
  return reading.kind === 'variant' || zonesOfIssuer(charter, reading).length > 1
}

/**
 * Judges the events of one batch in order, each against the log and those before it in the batch, and writes each accepted one down
 * once. Made for one batch and then dropped; the log is not touched.
 */
export class BatchJudge {
  readonly entries: NewLogEntry[] = []
  /** Subjects as they are after the batch. */
  readonly changed: Map<string, Subject> = new Map()
  #entriesBytes = 0
  #randomness: Uint8Array = new Uint8Array()
  readonly #terms: BatchTerms
  readonly #requests: Map<string, { readonly place: Place; readonly payload: Uint8Array }> = new Map()

  constructor(terms: BatchTerms) {
    this.#terms = terms
  }

  /** Undefined: accepted it would be, but the batch is full. It stays to be judged with the next. */
  judge(asked: AskedEvent): Judgement | undefined {
    const { event, subjectString } = asked
    if (subjectString === undefined) return this.#write(asked, undefined, undefined)
    const subject = this.changed.get(subjectString) ?? this.#terms.subjects.get(subjectString)
    const earlier = this.#earlierRequest(asked)
    if (earlier !== undefined) return sameContent(earlier, this.#payloadOf(event, subject)) ?? conflict('request_id')
    const unauthorised = event.kind === 'restated' && subject !== undefined && !mayRestate(asked.client, subject)
    if (unauthorised) return refused(refusal('NOT_AUTHORISED', { field: 'event.restated' }))
    const issued = event.kind === 'licence_issued' ? this.#issuedBefore(event, subject) : undefined
    if (issued !== undefined) return issued
    const next = this.#judgeEvent(asked, subject)
    return isRefusal(next) ? refused(next) : this.#write(asked, subject, next)
  }

  #earlierRequest({ key }: AskedEvent): { readonly place: Place; readonly payload: Uint8Array } | undefined {
    const inBatch = this.#requests.get(key)
    if (inBatch !== undefined) return inBatch
    const inLog = this.#terms.requests.get(key)
    return inLog === undefined ? undefined : { place: inLog, payload: inLog.entry.payload }
  }

  /**
   * The same licence again, as it was issued, is a quiet duplicate, whatever has changed it since; with other content it is a conflict.
   */
  #issuedBefore(
    event: Extract<Event, { kind: 'licence_issued' }>,
    subject: Subject | undefined,
  ): Judgement | undefined {
    if (subject?.issued?.event.identifier !== event.identifier) return undefined
    const { issued } = subject
    const stored = { place: placeOf(issued), payload: this.#payloadOf(issued.event, subject) ?? new Uint8Array() }
    return sameContent(stored, this.#payloadOf(event, subject)) ?? conflict('event.licence_issued.identifier')
  }

  #judgeEvent(asked: AskedEvent, known: Subject | undefined): Changed | Refusal {
    const { event } = asked
    const subject = known ?? unknownSubject
    switch (event.kind) {
      case 'licence_issued':
      case 'licence_amended':
      case 'licence_suspended':
      case 'licence_resumed':
      case 'licence_revoked':
      case 'licence_renewed':
      case 'licence_corrected':
        return this.#judgeLicence(asked, event, subject, known === undefined)
      case 'recognition_declared':
      case 'recognition_withdrawn':
        return this.#judgeDeclaration(event, subject)
      case 'restated':
        return judgeRestated(event, subject)
      case 'observed':
        return {}
    }
  }

  #judgeLicence(asked: AskedEvent, event: LicenceEvent, subject: Subject, first: boolean): Changed | Refusal {
    const { charter, zone } = this.#terms
    const licence = authorityCheck(charter, zone, event, subject.licence) ?? evolveLicence(subject.licence, event)
    if (isRefusal(licence)) return licence
    const elsewhere = first ? livesElsewhere(asked, zone) : undefined
    return elsewhere ?? { licence }
  }

  #judgeDeclaration(event: RecognitionEvent, subject: Subject): Changed | Refusal {
    const { charter, loggedAtMs } = this.#terms
    const { declarationLeadMs: leadMs, declarationMinimumMs: minimumMs } = charter
    const declaration = evolveDeclaration(subject.declaration, event, { loggedAtMs, leadMs, minimumMs })
    return isRefusal(declaration) ? declaration : { declaration }
  }

  #write(asked: AskedEvent, known: Subject | undefined, changed: Changed | undefined): Judgement | undefined {
    if (this.entries.length >= batchLimits.entries) return undefined
    const { event, subjectString, requestId, client } = asked
    const { loggedAtMs, firstIndex } = this.#terms
    const subject = known ?? (subjectString === undefined ? undefined : this.#drawSubject(subjectString))
    const payload = encodePayload({
      origin: this.#terms.origin,
      subjectSecret: subject?.secret ?? new Uint8Array(),
      event,
    })
    if (payload.length > batchLimits.payloadBytes) return refused(refusal('PAYLOAD_TOO_LARGE', { field: 'event' }))
    const index = firstIndex + BigInt(this.entries.length)
    const entry = entryOf({
      index,
      kind: kindNumber[event.kind],
      loggedAtMs,
      subject: subject?.value ?? observedSubject,
      previous: subject?.previous ?? 0n,
      payload,
      salt: this.#draw(saltBytes),
    })
    const sizeBytes = entrySizeBytes(entry)
    if (this.#entriesBytes + sizeBytes > batchLimits.entriesBytes) return undefined
    this.#entriesBytes += sizeBytes
    this.entries.push({
      ...entry,
      client: client.name,
      requestId,
      key: asked.key,
      about:
        subject === undefined || subjectString === undefined
          ? undefined
          : { subjectString, subject: subject.value, first: known === undefined },
      observedHead: event.kind === 'observed' ? event.head : undefined,
    })
    if (subject !== undefined && subjectString !== undefined) {
      const place = { index, firstIndex }
      this.#requests.set(asked.key, { place, payload })
      this.changed.set(subjectString, {
        ...subject,
        ...changed,
        previous: index + 1n,
        issued: event.kind === 'licence_issued' ? { ...place, event } : subject.issued,
        events: [...subject.events, { ...place, leafHash: sha256Tree.leaf(entry.leaf) }],
      })
    }
    return { kind: 'accepted', index }
  }

  #draw(bytes: number): Uint8Array {
    if (this.#randomness.length < bytes) this.#randomness = this.#terms.random(randomBytesPerDraw)
    const drawn = this.#randomness.subarray(0, bytes)
    this.#randomness = this.#randomness.subarray(bytes)
    return drawn
  }

  #drawSubject(subjectString: string): Subject {
    const secret = this.#draw(subjectSecretBytes)
    return newSubject(subjectValue(secret, subjectString), secret)
  }

  /** How the event would be written down about a subject; undefined where the log does not know the subject. */
  #payloadOf(event: Event, subject: Subject | undefined): Uint8Array | undefined {
    if (subject === undefined) return undefined
    return encodePayload({ origin: this.#terms.origin, subjectSecret: subject.secret, event })
  }
}

/** What a batch is judged by. */
export interface BatchTerms {
  readonly zone: string
  readonly origin: string
  /** Leaf index of its first entry. */
  readonly firstIndex: bigint
  /** Time its leaves will carry. */
  readonly loggedAtMs: number
  /** The newest charter. */
  readonly charter: Charter
  /** Subjects the log knows, of those the batch is about. */
  readonly subjects: ReadonlyMap<string, Subject>
  /** Requests that stand in the log, of those the batch repeats. */
  readonly requests: ReadonlyMap<string, Place & { readonly entry: KeptEntry }>
  /** So many random bytes, fit for secrets. Drawn for many events at once: one draw costs as much as the rest of an entry. */
  readonly random: (bytes: number) => Uint8Array
}

type Changed = Partial<Pick<Subject, 'licence' | 'declaration'>>

const unknownSubject = newSubject(observedSubject, new Uint8Array())

function isRequestId(requestId: string): boolean {
  const bytes = Buffer.byteLength(requestId)
  return bytes >= 1 && bytes <= maxRequestIdBytes && requestId.isWellFormed() && !requestId.includes('\u0000')
}

/** A declaration is the zone's own word, and so is what is restated about one: only who speaks for all its authorities says it. */
function mayAsk({ authorities }: Client, event: Event): boolean {
  if (authorities === 'all') return true
  switch (event.kind) {
    case 'licence_issued':
    case 'licence_amended':
    case 'licence_suspended':
    case 'licence_resumed':
    case 'licence_revoked':
    case 'licence_renewed':
    case 'licence_corrected':
      return authorities.includes(namedLicence(event).authority)
    case 'restated':
      return event.about.kind === 'licence'
    case 'recognition_declared':
    case 'recognition_withdrawn':
    case 'observed':
      return false
  }
}

function mayRestate({ authorities }: Client, { licence }: Subject): boolean {
  return authorities === 'all' || (licence.kind !== 'none' && authorities.includes(licence.licence.authority))
}

function judgeRestated(event: Restated, subject: Subject): Changed | Refusal {
  const named = subject.events.some(
    ({ index, leafHash }) => index === event.index && Buffer.compare(leafHash, event.leafHash) === 0,
  )
  return named ? {} : refusal('RESTATED_UNKNOWN', { field: 'event.restated.index' })
}

function livesElsewhere({ elsewhere }: AskedEvent, zone: string): Refusal | undefined {
  if (elsewhere === undefined) return undefined
  if (elsewhere === 'unknown') return publisherRefusal('VERIFIER_NOT_ANSWERED')
  const other = elsewhere.find((one) => one !== zone)
  if (other === undefined) return undefined
  return refusal('ISSUED_ELSEWHERE', { field: 'event.licence_issued.identifier', parameters: { zone: other } })
}

function placeOf({ index, firstIndex }: Place): Place {
  return { index, firstIndex }
}

function sameContent(
  stored: { readonly place: Place; readonly payload: Uint8Array },
  payload: Uint8Array | undefined,
): Judgement | undefined {
  if (payload === undefined || Buffer.compare(stored.payload, payload) !== 0) return undefined
  return { kind: 'duplicate', place: stored.place }
}

const refused = (because: Refusal): Judgement => ({ kind: 'refused', refusal: because })
const conflict = (field: string): Judgement => refused(refusal('CONFLICT', { field }))

/** What the queue takes of an event whose form is good. */
export function askedEvent(
  client: Client,
  requestId: string,
  event: Event,
  elsewhere: AskedEvent['elsewhere'],
): AskedEvent {
  return {
    client,
    requestId,
    event,
    subjectString: subjectStringOf(event),
    key: requestKey(client.name, requestId),
    elsewhere,
  }
}
