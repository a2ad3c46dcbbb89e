import type {
  Charter,
  DeclarationState,
  Event,
  Finding,
  LicenceIssued,
  LicenceState,
  RecognitionDeclared,
  Verdict,
} from '@hutong/licence'
import fc from 'fast-check'
import type { HubLeaf } from './hub-leaf.ts'
import type { Leaf } from './leaf.ts'
import type { Payload } from './payload.ts'
import type { LoggedRecord } from './record.ts'

// For tests of any room: everything that can stand on the wire, whether or not the domain would let it stand in a log.

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 24 }),
  fc.constantFrom('', '\u0000', '\ufeff天津', '\ufffd', '天津经济技术开发区行政审批局', '𠮷野家', '91110000MA01234567'),
)
const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })
const someBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 64 })
const index: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: 300n }),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 56n - 1n, 2n ** 63n - 1n),
)
const time: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 4_000_000_000_000 }),
  fc.constantFrom(1, Number.MAX_SAFE_INTEGER),
)
const count: fc.Arbitrary<number> = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(0xffff_ffff))
const texts: fc.Arbitrary<string[]> = fc.array(text, { maxLength: 4 })
const orNone = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

const licenceFilesArbitrary = fc.array(
  fc.record({ sha256: bytes(32), sm3: bytes(32), sizeBytes: index, mediaType: text }),
  { maxLength: 2 },
)

export const licenceIssuedArbitrary: fc.Arbitrary<LicenceIssued> = fc.record({
  kind: fc.constant('licence_issued' as const),
  identifier: text,
  authority: text,
  authorityName: text,
  licenceType: text,
  name: text,
  number: text,
  issuedOn: text,
  holder: fc.record({ name: text, code: text, codeType: text }),
  validFrom: text,
  validUntil: text,
  extensions: fc.array(fc.record({ name: text, value: text }), { maxLength: 3 }),
  files: licenceFilesArbitrary,
  demonstration: fc.boolean(),
})

export const recognitionDeclaredArbitrary: fc.Arbitrary<RecognitionDeclared> = fc.record({
  kind: fc.constant('recognition_declared' as const),
  declarationId: text,
  version: count,
  licenceType: text,
  issuingZones: texts,
  matters: texts,
  mode: fc.constantFrom('cross_province' as const, 'on_behalf' as const),
  effectiveFromMs: time,
  effectiveUntilMs: orNone(time),
  fields: texts,
  legalBasis: text,
})

const grounds = { reason: text, decidedOn: text }
const decision = { identifier: text, authority: text, ...grounds }

const eventArbitraries: { readonly [K in Event['kind']]: fc.Arbitrary<Extract<Event, { kind: K }>> } = {
  licence_issued: licenceIssuedArbitrary,
  licence_amended: fc.record({
    kind: fc.constant('licence_amended' as const),
    licence: licenceIssuedArbitrary,
    supersedes: text,
    ...grounds,
  }),
  licence_suspended: fc.record({ kind: fc.constant('licence_suspended' as const), ...decision }),
  licence_resumed: fc.record({ kind: fc.constant('licence_resumed' as const), ...decision }),
  licence_revoked: fc.record({
    kind: fc.constant('licence_revoked' as const),
    ...decision,
    manner: fc.constantFrom('cancelled' as const, 'withdrawn' as const, 'penalty' as const),
  }),
  licence_renewed: fc.record({
    kind: fc.constant('licence_renewed' as const),
    ...decision,
    validUntil: text,
    files: licenceFilesArbitrary,
  }),
  licence_corrected: fc.record({
    kind: fc.constant('licence_corrected' as const),
    licence: licenceIssuedArbitrary,
    ...grounds,
  }),
  recognition_declared: recognitionDeclaredArbitrary,
  recognition_withdrawn: fc.record({
    kind: fc.constant('recognition_withdrawn' as const),
    declarationId: text,
    version: count,
    effectiveFromMs: orNone(time),
    reason: text,
  }),
  restated: fc.record({
    kind: fc.constant('restated' as const),
    about: fc.oneof(
      fc.record({ kind: fc.constant('licence' as const), identifier: text }),
      fc.record({ kind: fc.constant('declaration' as const), declarationId: text }),
    ),
    index,
    leafHash: bytes(32),
  }),
  observed: fc.record({ kind: fc.constant('observed' as const), head: someBytes }),
}

/** Every kind of event: a new kind does not compile until it has an arbitrary here. */
export const eventArbitrary: fc.Arbitrary<Event> = fc.oneof(...Object.values(eventArbitraries))

export const payloadArbitrary: fc.Arbitrary<Payload> = fc
  .tuple(text, bytes(16), orNone(fc.record({ origin: text, index })), eventArbitrary)
  .map(([origin, secret, previousEpoch, event]) => ({
    origin,
    subjectSecret: event.kind === 'observed' ? new Uint8Array() : secret,
    ...(previousEpoch === undefined ? {} : { previousEpoch }),
    event,
  }))

export const leafArbitrary: fc.Arbitrary<Leaf> = index.chain((place) =>
  fc.record({
    version: fc.constant(1),
    index: fc.constant(place),
    kind: fc.integer({ min: 1, max: 0x7fff_ffff }),
    loggedAtMs: time,
    subject: bytes(32),
    previous: fc.bigInt({ min: 0n, max: place }),
    payloadCommitment: bytes(32),
  }),
)

export const hubLeafArbitrary: fc.Arbitrary<HubLeaf> = fc.record({
  index,
  receivedAtMs: time,
  entry: fc.oneof(
    fc
      .tuple(text, fc.uniqueArray(index, { minLength: 2, maxLength: 2 }), bytes(32), someBytes)
      .map(([origin, [one = 0n, other = 0n], root, checkpoint]) => {
        const [oldSize, newSize] = one < other ? [one, other] : [other, one]
        return { kind: 'batch' as const, origin, oldSize, newSize, root, checkpoint }
      }),
    fc.record({ kind: fc.constant('charter' as const), number: index, sha256: bytes(32), note: someBytes }),
  ),
})

const entry = fc.record({ leaf: someBytes, salt: someBytes, payload: someBytes, payloadEncoding: count })

export const recordArbitrary: fc.Arbitrary<LoggedRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('entry' as const),
    index,
    leaf: someBytes,
    entries: fc.array(entry, { maxLength: 3 }),
    charter: someBytes,
    redacted: fc.array(count, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('head' as const), checkpoint: someBytes }),
  fc.record({ kind: fc.constant('cosigned' as const), checkpoint: someBytes }),
)

const contact = fc.record({ telephone: text, hoursZh: text, hoursEn: text, addressZh: text, addressEn: text })

export const charterArbitrary: fc.Arbitrary<Charter> = fc.record({
  number: index,
  previousSha256: someBytes,
  alliance: text,
  nameZh: text,
  nameEn: text,
  demonstration: fc.boolean(),
  zones: fc.array(
    fc.record({
      id: text,
      nameZh: text,
      nameEn: text,
      region: text,
      certificateAuthorities: fc.array(bytes(32), { maxLength: 2 }),
      authorities: fc.array(
        fc.record({ code: text, nameZh: text, nameEn: text, contact: orNone(contact), licenceTypes: texts }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
  logs: fc.array(fc.record({ origin: text, owner: text, suite: fc.constantFrom('Ed25519', 'ECDSA-P256', 'SM2-SM3') }), {
    maxLength: 2,
  }),
  keys: fc.array(
    fc.record({
      vkey: text,
      role: fc.constantFrom('log', 'cosigner', 'admin', 'slip', 'presenter'),
      owner: text,
      acceptedFrom: index,
      retiredAt: orNone(index),
      compromisedFrom: orNone(index),
    }),
    { maxLength: 3 },
  ),
  witnessPolicy: text,
  auditors: texts,
  adminThreshold: count,
  heartbeatMs: time,
  maxClockOffsetMs: time,
  freshMs: time,
  usableMs: time,
  declarationLeadMs: fc.constantFrom(0, 172_800_000),
  declarationMinimumMs: time,
})

const finding: fc.Arbitrary<Finding> = fc.record({
  check: fc.constantFrom('INTEGRITY', 'SIGNATURE', 'AUTHORITY', 'SEAL', 'STATUS', 'LOG', 'RECOGNITION', 'HOLDER'),
  result: fc.constantFrom('passed', 'failed', 'unknown', 'skipped'),
  code: text,
  zh: text,
  en: text,
  evidence: fc.array(fc.record({ name: text, value: text }), { maxLength: 2 }),
  nextStepZh: text,
  nextStepEn: text,
  contact: orNone(contact),
  required: fc.boolean(),
})

export const verdictArbitrary: fc.Arbitrary<Verdict> = fc.record({
  findings: fc.record({
    word: fc.constantFrom('VALID', 'INVALID', 'NOT_RECOGNISED', 'UNDETERMINED'),
    code: text,
    headlineZh: text,
    headlineEn: text,
    identifier: text,
    matter: text,
    receivingZone: text,
    issuingZone: text,
    findings: fc.array(finding, { maxLength: 8 }),
    position: index,
    dataTimeMs: fc.oneof(fc.constant(0), time),
    ageMs: orNone(fc.oneof(fc.constant(0), time)),
    policyName: text,
    policyVersion: count,
    mode: orNone(fc.constantFrom('cross_province' as const, 'on_behalf' as const)),
    declarationEvent: text,
    declaration: text,
    licence: orNone(licenceIssuedArbitrary),
    lastEvent: text,
    successor: text,
    asOf: orNone(
      fc.oneof(
        fc.record({ kind: fc.constant('position' as const), position: index }),
        fc.record({ kind: fc.constant('time' as const), timeMs: time }),
      ),
    ),
  }),
  checkedAtMs: time,
  receiptNumber: text,
})

export const licenceStateArbitrary: fc.Arbitrary<LicenceState> = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({
    kind: fc.constantFrom('in_force' as const, 'suspended' as const),
    licence: licenceIssuedArbitrary,
    superseded: texts,
  }),
  fc.record({
    kind: fc.constant('revoked' as const),
    licence: licenceIssuedArbitrary,
    superseded: texts,
    manner: fc.constantFrom('cancelled' as const, 'withdrawn' as const, 'penalty' as const),
  }),
)

export const declarationStateArbitrary: fc.Arbitrary<DeclarationState> = fc.record({
  versions: fc.array(fc.record({ version: count, fromMs: time, declared: orNone(recognitionDeclaredArbitrary) }), {
    maxLength: 3,
  }),
})
