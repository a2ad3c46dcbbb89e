import type { Batch, Entry } from '@hutong/proto/batch'
import type { Authority, Charter, Contact, Key, Log, Zone } from '@hutong/proto/charter'
import type {
  AcceptedBatch,
  AcceptedCharter,
  CosignedRecord,
  EntryRecord,
  HeadRecord,
  HubLeaf,
  LoggedRecord,
} from '@hutong/proto/hub'
import type { Leaf } from '@hutong/proto/leaf'
import type * as payload from '@hutong/proto/payload'
import type {
  DeclarationStateRecord,
  DeclarationVersionRecord,
  DigestEvent,
  DigestRow,
  LicenceStateRecord,
} from '@hutong/proto/state'
import type { AsOf, Evidence, Finding, Findings, Verdict } from '@hutong/proto/verdict'
import { type FieldForm, type FieldRule, type MessageRule, messageRule } from './strict-reader.ts'

// The contract's messages as the strict reader needs them. `rules.test.ts` holds every line against the contract itself.

const text = (name: string): FieldRule => ({ name, form: 'text' })
const texts = (name: string): FieldRule => ({ name, form: 'text', repeated: true })
const bytes = (name: string): FieldRule => ({ name, form: 'bytes' })
const byteses = (name: string): FieldRule => ({ name, form: 'bytes', repeated: true })
const uint32 = (name: string): FieldRule => ({ name, form: 'uint32' })
const uint64 = (name: string): FieldRule => ({ name, form: 'uint64' })
const optionalUint64 = (name: string): FieldRule => ({ name, form: 'uint64', optional: true })
const bool = (name: string): FieldRule => ({ name, form: 'bool' })
const enumeration = (name: string): FieldRule => ({ name, form: 'enum' })
const one = (name: string, form: MessageRule<unknown>): FieldRule => ({ name, form })
const many = (name: string, form: MessageRule<unknown>): FieldRule => ({ name, form, repeated: true })
const choice = (oneof: string, name: string, form: FieldForm): FieldRule => ({ name, form, oneof })

export const leafRule: MessageRule<Leaf> = messageRule('Leaf', {
  1: uint32('version'),
  2: uint64('index'),
  3: enumeration('kind'),
  4: uint64('loggedAtMs'),
  5: bytes('subject'),
  6: uint64('previous'),
  7: bytes('payloadCommitment'),
})

const holderRule: MessageRule<payload.Holder> = messageRule('Holder', {
  1: text('name'),
  2: text('code'),
  3: text('codeType'),
})

const extensionRule: MessageRule<payload.Extension> = messageRule('Extension', { 1: text('name'), 2: text('value') })

const fileDigestRule: MessageRule<payload.FileDigest> = messageRule('FileDigest', {
  1: bytes('sha256'),
  2: bytes('sm3'),
  3: uint64('sizeBytes'),
  4: text('mediaType'),
})

export const licenceIssuedRule: MessageRule<payload.LicenceIssued> = messageRule('LicenceIssued', {
  1: text('identifier'),
  2: text('authority'),
  3: text('authorityName'),
  4: text('licenceType'),
  5: text('name'),
  6: text('number'),
  7: text('issuedOn'),
  8: one('holder', holderRule),
  9: text('validFrom'),
  10: text('validUntil'),
  11: many('extensions', extensionRule),
  12: many('files', fileDigestRule),
  13: bool('demonstration'),
})

const licenceSuspendedRule: MessageRule<payload.LicenceSuspended> = messageRule('LicenceSuspended', {
  1: text('identifier'),
  2: text('authority'),
  3: text('reason'),
  4: text('decidedOn'),
})

const licenceResumedRule: MessageRule<payload.LicenceResumed> = messageRule('LicenceResumed', {
  1: text('identifier'),
  2: text('authority'),
  3: text('reason'),
  4: text('decidedOn'),
})

const licenceRevokedRule: MessageRule<payload.LicenceRevoked> = messageRule('LicenceRevoked', {
  1: text('identifier'),
  2: text('authority'),
  3: enumeration('manner'),
  4: text('reason'),
  5: text('decidedOn'),
})

const licenceAmendedRule: MessageRule<payload.LicenceAmended> = messageRule('LicenceAmended', {
  1: one('licence', licenceIssuedRule),
  2: text('supersedes'),
  3: text('reason'),
  4: text('decidedOn'),
})

const licenceRenewedRule: MessageRule<payload.LicenceRenewed> = messageRule('LicenceRenewed', {
  1: text('identifier'),
  2: text('authority'),
  3: text('validUntil'),
  4: many('files', fileDigestRule),
  5: text('reason'),
  6: text('decidedOn'),
})

const licenceCorrectedRule: MessageRule<payload.LicenceCorrected> = messageRule('LicenceCorrected', {
  1: one('licence', licenceIssuedRule),
  2: text('reason'),
  3: text('decidedOn'),
})

export const recognitionDeclaredRule: MessageRule<payload.RecognitionDeclared> = messageRule('RecognitionDeclared', {
  1: text('declarationId'),
  2: uint32('version'),
  3: text('licenceType'),
  4: texts('issuingZones'),
  5: texts('matters'),
  6: enumeration('mode'),
  7: uint64('effectiveFromMs'),
  8: uint64('effectiveUntilMs'),
  9: texts('fields'),
  10: text('legalBasis'),
})

const recognitionWithdrawnRule: MessageRule<payload.RecognitionWithdrawn> = messageRule('RecognitionWithdrawn', {
  1: text('declarationId'),
  2: uint32('version'),
  3: uint64('effectiveFromMs'),
  4: text('reason'),
})

const restatedRule: MessageRule<payload.Restated> = messageRule('Restated', {
  1: choice('about', 'identifier', 'text'),
  2: choice('about', 'declarationId', 'text'),
  3: uint64('index'),
  4: bytes('leafHash'),
})

const observedRule: MessageRule<payload.Observed> = messageRule('Observed', { 1: bytes('head') })

export const eventRule: MessageRule<payload.Event> = messageRule('Event', {
  17: choice('event', 'licenceIssued', licenceIssuedRule),
  18: choice('event', 'licenceAmended', licenceAmendedRule),
  19: choice('event', 'licenceSuspended', licenceSuspendedRule),
  20: choice('event', 'licenceResumed', licenceResumedRule),
  21: choice('event', 'licenceRevoked', licenceRevokedRule),
  25: choice('event', 'licenceRenewed', licenceRenewedRule),
  26: choice('event', 'licenceCorrected', licenceCorrectedRule),
  56: choice('event', 'recognitionDeclared', recognitionDeclaredRule),
  57: choice('event', 'recognitionWithdrawn', recognitionWithdrawnRule),
  96: choice('event', 'restated', restatedRule),
  144: choice('event', 'observed', observedRule),
})

const eventReferenceRule: MessageRule<payload.EventReference> = messageRule('EventReference', {
  1: text('origin'),
  2: uint64('index'),
})

export const payloadRule: MessageRule<payload.Payload> = messageRule('Payload', {
  1: text('origin'),
  2: bytes('subjectSecret'),
  3: one('previousEpoch', eventReferenceRule),
  4: one('event', eventRule),
})

const entryRule: MessageRule<Entry> = messageRule('Entry', {
  1: bytes('leaf'),
  2: bytes('salt'),
  3: bytes('payload'),
  4: uint32('payloadEncoding'),
})

export const batchRule: MessageRule<Batch> = messageRule('Batch', {
  1: text('origin'),
  2: uint64('firstIndex'),
  3: many('entries', entryRule),
  4: bytes('checkpoint'),
})

const acceptedBatchRule: MessageRule<AcceptedBatch> = messageRule('AcceptedBatch', {
  1: text('origin'),
  2: uint64('oldSize'),
  3: uint64('newSize'),
  4: bytes('root'),
  5: bytes('checkpoint'),
})

const acceptedCharterRule: MessageRule<AcceptedCharter> = messageRule('AcceptedCharter', {
  1: uint64('number'),
  2: bytes('sha256'),
  3: bytes('note'),
})

export const hubLeafRule: MessageRule<HubLeaf> = messageRule('HubLeaf', {
  1: uint64('index'),
  2: uint64('receivedAtMs'),
  3: choice('entry', 'batch', acceptedBatchRule),
  4: choice('entry', 'charter', acceptedCharterRule),
})

const entryRecordRule: MessageRule<EntryRecord> = messageRule('EntryRecord', {
  1: uint64('index'),
  2: bytes('leaf'),
  3: many('entries', entryRule),
  4: bytes('charter'),
  5: { name: 'redacted', form: 'packed_uint32' },
})

const headRecordRule: MessageRule<HeadRecord> = messageRule('HeadRecord', { 1: bytes('checkpoint') })
const cosignedRecordRule: MessageRule<CosignedRecord> = messageRule('CosignedRecord', { 1: bytes('checkpoint') })

export const loggedRecordRule: MessageRule<LoggedRecord> = messageRule('LoggedRecord', {
  1: choice('record', 'entry', entryRecordRule),
  2: choice('record', 'head', headRecordRule),
  3: choice('record', 'cosigned', cosignedRecordRule),
})

const contactRule: MessageRule<Contact> = messageRule('Contact', {
  1: text('telephone'),
  2: text('hoursZh'),
  3: text('hoursEn'),
  4: text('addressZh'),
  5: text('addressEn'),
})

const authorityRule: MessageRule<Authority> = messageRule('Authority', {
  1: text('code'),
  2: text('nameZh'),
  3: text('nameEn'),
  4: one('contact', contactRule),
  5: texts('licenceTypes'),
})

const zoneRule: MessageRule<Zone> = messageRule('Zone', {
  1: text('id'),
  2: text('nameZh'),
  3: text('nameEn'),
  4: text('region'),
  5: byteses('certificateAuthorities'),
  6: many('authorities', authorityRule),
})

const logRule: MessageRule<Log> = messageRule('Log', { 1: text('origin'), 2: text('owner'), 3: enumeration('suite') })

const keyRule: MessageRule<Key> = messageRule('Key', {
  1: text('vkey'),
  2: enumeration('role'),
  3: text('owner'),
  4: uint64('acceptedFrom'),
  5: optionalUint64('retiredAt'),
  6: optionalUint64('compromisedFrom'),
})

export const charterRule: MessageRule<Charter> = messageRule('Charter', {
  1: uint64('number'),
  2: bytes('previousSha256'),
  3: text('alliance'),
  4: text('nameZh'),
  5: text('nameEn'),
  6: bool('demonstration'),
  7: many('zones', zoneRule),
  8: many('logs', logRule),
  9: many('keys', keyRule),
  10: text('witnessPolicy'),
  11: texts('auditors'),
  12: uint32('adminThreshold'),
  13: uint64('heartbeatMs'),
  14: uint64('maxClockOffsetMs'),
  15: uint64('freshMs'),
  16: uint64('usableMs'),
  17: uint64('declarationLeadMs'),
  18: uint64('declarationMinimumMs'),
})

const evidenceRule: MessageRule<Evidence> = messageRule('Evidence', { 1: text('name'), 2: text('value') })

const findingRule: MessageRule<Finding> = messageRule('Finding', {
  1: enumeration('check'),
  2: enumeration('result'),
  3: text('code'),
  4: text('zh'),
  5: text('en'),
  6: many('evidence', evidenceRule),
  7: text('nextStepZh'),
  8: text('nextStepEn'),
  9: one('contact', contactRule),
  10: bool('required'),
})

const asOfRule: MessageRule<AsOf> = messageRule('AsOf', {
  1: choice('asOf', 'position', 'uint64'),
  2: choice('asOf', 'timeMs', 'uint64'),
})

const findingsRule: MessageRule<Findings> = messageRule('Findings', {
  1: enumeration('word'),
  2: text('code'),
  3: text('headlineZh'),
  4: text('headlineEn'),
  5: text('identifier'),
  6: text('matter'),
  7: text('receivingZone'),
  8: text('issuingZone'),
  9: many('findings', findingRule),
  10: uint64('position'),
  11: uint64('dataTimeMs'),
  12: optionalUint64('ageMs'),
  13: text('policyName'),
  14: uint32('policyVersion'),
  15: enumeration('mode'),
  16: text('declarationEvent'),
  17: text('declaration'),
  18: one('licence', licenceIssuedRule),
  19: text('lastEvent'),
  20: text('successor'),
  21: one('asOf', asOfRule),
})

export const verdictRule: MessageRule<Verdict> = messageRule('Verdict', {
  1: one('findings', findingsRule),
  2: uint64('checkedAtMs'),
  3: text('receiptNumber'),
})

const licenceStateRule: MessageRule<LicenceStateRecord> = messageRule('LicenceStateRecord', {
  1: enumeration('standing'),
  2: one('licence', licenceIssuedRule),
  3: enumeration('manner'),
  4: texts('superseded'),
})

const declarationVersionRule: MessageRule<DeclarationVersionRecord> = messageRule('DeclarationVersionRecord', {
  1: uint32('version'),
  2: uint64('fromMs'),
  3: one('declared', recognitionDeclaredRule),
})

const declarationStateRule: MessageRule<DeclarationStateRecord> = messageRule('DeclarationStateRecord', {
  1: many('versions', declarationVersionRule),
})

const digestEventRule: MessageRule<DigestEvent> = messageRule('DigestEvent', {
  1: uint64('position'),
  2: uint32('place'),
  3: bytes('leafHash'),
  4: text('verdict'),
})

export const digestRowRule: MessageRule<DigestRow> = messageRule('DigestRow', {
  1: text('zone'),
  2: bytes('subject'),
  3: many('events', digestEventRule),
  4: choice('state', 'licence', licenceStateRule),
  5: choice('state', 'declaration', declarationStateRule),
})
