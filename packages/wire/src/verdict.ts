import type { Verdict, Word } from '@hutong/licence'
import { type Check, type CheckResult, checks, type Finding, type Findings, type Refusal } from '@hutong/licence'
import type * as wire from '@hutong/proto/verdict'
import { Findings as WireFindings, Verdict as WireVerdict } from '@hutong/proto/verdict'
import { asOfFromWire, asOfToWire } from './as-of.ts'
import { boundedTime, isTime, largestIndex } from './bounds.ts'
import { contactFromWire } from './charter.ts'
import { licenceIssuedFromMessage, licenceIssuedToWire, modeNumbers, modes } from './event.ts'
import { assertTexts, unknownFieldIn } from './generated-message.ts'
import { verdictRule } from './rules.ts'
import { readStrictly } from './strict-reader.ts'

/**
 * What a verdict in wire form comes to. One that is not understood in any part is not shown in any part:
 * what is missing could be the check that failed.
 */
export type VerdictReading =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'not_understood'; readonly why: string }

/** A verdict as a generated decoder read it. */
export function verdictFromWire(message: WireVerdict): VerdictReading {
  const unknown = unknownFieldIn(message)
  return unknown === undefined ? verdictFromMessage(message) : { kind: 'not_understood', why: unknown }
}

/**
 * A verdict in wire form.
 * @throws {RangeError} a text with a lone surrogate, a time or position out of range.
 */
export function verdictToWire(verdict: Verdict): WireVerdict {
  const { findings, checkedAtMs, receiptNumber } = verdict
  assertTexts(receiptNumber)
  return { findings: findingsToWire(findings), checkedAtMs: time(checkedAtMs), receiptNumber }
}

/** Reads a kept verdict strictly. Never throws. */
export function decodeVerdict(bytes: Uint8Array): VerdictReading {
  const reading = readStrictly(verdictRule, bytes)
  if (reading.kind === 'unreadable') return { kind: 'not_understood', why: reading.why }
  if (reading.unknown !== undefined) return { kind: 'not_understood', why: reading.unknown }
  return verdictFromMessage(reading.message)
}

/** The bytes of a verdict, to keep it. */
export function encodeVerdict(verdict: Verdict): Uint8Array {
  return WireVerdict.encode(verdictToWire(verdict)).finish()
}

/** The canonical bytes of findings: two verdicts are the same answer where these are equal, byte for byte. */
export function findingsBytes(findings: Findings): Uint8Array {
  return WireFindings.encode(findingsToWire(findings)).finish()
}

/** A refusal out of its wire form. */
export function refusalFromWire({ code, field, expected, zh, en }: wire.Refusal): Refusal {
  return { code, field, expected, zh, en }
}

/** A refusal in wire form. */
export function refusalToWire({ code, field, expected, zh, en }: Refusal): wire.Refusal {
  return { code, field, expected, zh, en }
}

const words: readonly (Word | undefined)[] = [undefined, 'VALID', 'INVALID', 'NOT_RECOGNISED', 'UNDETERMINED']
const wordNumbers: Readonly<Record<Word, 1 | 2 | 3 | 4>> = {
  VALID: 1,
  INVALID: 2,
  NOT_RECOGNISED: 3,
  UNDETERMINED: 4,
}
const checkNumbers: Readonly<Record<Check, 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8>> = {
  INTEGRITY: 1,
  SIGNATURE: 2,
  AUTHORITY: 3,
  SEAL: 4,
  STATUS: 5,
  LOG: 6,
  RECOGNITION: 7,
  HOLDER: 8,
}
const results: readonly (CheckResult | undefined)[] = [undefined, 'passed', 'failed', 'unknown', 'skipped']
const resultNumbers: Readonly<Record<CheckResult, 1 | 2 | 3 | 4>> = { passed: 1, failed: 2, unknown: 3, skipped: 4 }

function verdictFromMessage(message: WireVerdict): VerdictReading {
  const checkedAtMs = boundedTime(message.checkedAtMs)
  if (checkedAtMs === undefined) return notUnderstood('a time beyond 2^53 - 1')
  if (message.findings === undefined) return notUnderstood('Verdict: no findings')
  const findings = findingsFromMessage(message.findings)
  if (typeof findings === 'string') return notUnderstood(findings)
  return { kind: 'verdict', verdict: { findings, checkedAtMs, receiptNumber: message.receiptNumber } }
}

const notUnderstood = (why: string): VerdictReading => ({ kind: 'not_understood', why })

/** The findings, or why they are not understood. */
function findingsFromMessage(message: WireFindings): Findings | string {
  const word = words[message.word]
  if (word === undefined) return `Findings: word ${message.word}`
  if (message.mode !== 0 && modes[message.mode] === undefined) return `Findings: mode ${message.mode}`
  const dataTimeMs = boundedTime(message.dataTimeMs)
  const ageMs = boundedTime(message.ageMs ?? 0n)
  if (message.position > largestIndex || dataTimeMs === undefined || ageMs === undefined) return 'a number out of range'
  const licence = message.licence && licenceIssuedFromMessage(message.licence)
  if (message.licence !== undefined && licence === undefined) return 'a licence that breaks a bound'
  const asOf = message.asOf && asOfFromWire(message.asOf)
  if (message.asOf !== undefined && asOf === undefined) return 'AsOf: neither a position nor a time'
  const findings: Finding[] = []
  for (const one of message.findings) {
    const finding = findingFromMessage(one)
    if (finding === undefined) return `Finding: check ${one.check}, result ${one.result}`
    findings.push(finding)
  }
  return {
    word,
    code: message.code,
    headlineZh: message.headlineZh,
    headlineEn: message.headlineEn,
    identifier: message.identifier,
    matter: message.matter,
    receivingZone: message.receivingZone,
    issuingZone: message.issuingZone,
    findings,
    position: message.position,
    dataTimeMs,
    ageMs: message.ageMs === undefined ? undefined : ageMs,
    policyName: message.policyName,
    policyVersion: message.policyVersion,
    mode: modes[message.mode],
    declarationEvent: message.declarationEvent,
    declaration: message.declaration,
    licence,
    lastEvent: message.lastEvent,
    successor: message.successor,
    asOf,
  }
}

function findingFromMessage(message: wire.Finding): Finding | undefined {
  const check = checks[message.check - 1]
  const result = results[message.result]
  if (check === undefined || result === undefined) return undefined
  const { code, zh, en, evidence, nextStepZh, nextStepEn, contact, required } = message
  return {
    check,
    result,
    code,
    zh,
    en,
    evidence: evidence.map(({ name, value }) => ({ name, value })),
    nextStepZh,
    nextStepEn,
    contact: contact && contactFromWire(contact),
    required,
  }
}

function findingsToWire(findings: Findings): WireFindings {
  assertTexts(findings)
  if (findings.position < 0n || findings.position > largestIndex) throw new RangeError(`position ${findings.position}`)
  const { licence, ageMs, mode } = findings
  return {
    word: wordNumbers[findings.word],
    code: findings.code,
    headlineZh: findings.headlineZh,
    headlineEn: findings.headlineEn,
    identifier: findings.identifier,
    matter: findings.matter,
    receivingZone: findings.receivingZone,
    issuingZone: findings.issuingZone,
    findings: findings.findings.map(findingToWire),
    position: findings.position,
    dataTimeMs: time(findings.dataTimeMs),
    ageMs: ageMs === undefined ? undefined : time(ageMs),
    policyName: findings.policyName,
    policyVersion: findings.policyVersion,
    mode: mode === undefined ? 0 : modeNumbers[mode],
    declarationEvent: findings.declarationEvent,
    declaration: findings.declaration,
    licence: licence && licenceIssuedToWire(licence),
    lastEvent: findings.lastEvent,
    successor: findings.successor,
    asOf: findings.asOf && asOfToWire(findings.asOf),
  }
}

function findingToWire(finding: Finding): wire.Finding {
  const { code, zh, en, evidence, nextStepZh, nextStepEn, contact, required } = finding
  return {
    check: checkNumbers[finding.check],
    result: resultNumbers[finding.result],
    code,
    zh,
    en,
    evidence: evidence.map(({ name, value }) => ({ name, value })),
    nextStepZh,
    nextStepEn,
    contact,
    required,
  }
}

function time(milliseconds: number): bigint {
  if (!isTime(milliseconds)) throw new RangeError(`time ${milliseconds}`)
  return BigInt(milliseconds)
}
