import { asOfWords, type CheckResult, checks, type Word } from '@hutong/licence'
import { asOfFromJson } from '@hutong/wire'
import { CommandError, exits } from './exit.ts'
import { type Colour, moment, type Print, plain, span } from './print.ts'

/** A verdict as a counter answers it in JSON, as far as it is shown here. */
export interface VerdictAnswer {
  readonly findings: {
    readonly word: Word
    readonly code: string
    readonly headlineZh: string
    readonly headlineEn: string
    readonly identifier: string
    readonly matter: string
    readonly receivingZone: string
    readonly issuingZone: string
    readonly findings: readonly FindingAnswer[]
    readonly position: number | string
    readonly dataTime?: string | number
    readonly ageMs?: number
    readonly mode?: string
    readonly declaration: string
    readonly declarationEvent: string
    readonly lastEvent: string
    readonly policyName: string
    readonly policyVersion: number
    readonly successor: string
    readonly asOf?: unknown
    readonly licence?: {
      readonly name: string
      readonly holder: { readonly name: string }
      readonly validFrom: string
      readonly validUntil: string
    }
  }
  readonly checkedAt: string | number
  readonly receiptNumber: string
}

interface FindingAnswer {
  readonly check: string
  readonly result: CheckResult
  readonly code: string
  readonly zh: string
  readonly en: string
  readonly nextStepZh: string
  readonly nextStepEn: string
  readonly contact?: Readonly<Record<'telephone' | 'hoursZh' | 'hoursEn' | 'addressZh' | 'addressEn', string>>
}

/**
 * The verdict in a counter's JSON. What is not understood in any part is shown in no part: what is missing could be the check that
 * failed.
 *
 * @throws {CommandError} it is not understood (exit 6): nothing was decided.
 */
export function verdictFromAnswer(json: unknown): VerdictAnswer {
  if (isVerdict(json)) return json
  throw new CommandError(
    exits.unavailable,
    'VERDICT_NOT_UNDERSTOOD',
    'the counter answered no verdict that is understood here',
  )
}

/** Shows a verdict: the word, each check in words, what to do next, and how old the data is. */
export function printVerdict(print: Print, { findings: verdict, checkedAt, receiptNumber }: VerdictAnswer): void {
  const { zh, colour } = words[verdict.word]
  print.line(print.colour(colour, `${zh}  ${verdict.word}`))
  if (verdict.headlineZh !== zh) print.line(`${plain(verdict.headlineZh)}  ${plain(verdict.headlineEn)}`)
  const asOf = asOfLine(verdict)
  if (asOf !== undefined) print.line(print.colour('bold', asOf))
  if (verdict.licence !== undefined) printLicence(print, verdict.licence)
  if (verdict.mode === 'on_behalf') print.line('仅收件  taken in here and forwarded; the issuing side decides')
  if (verdict.successor !== '') print.line(`现行证照  instead: ${plain(verdict.successor)}`)
  if (verdict.findings.length > 0) {
    print.line()
    print.table(
      ['检查', 'check', '结果', 'code', '说明', ''],
      verdict.findings.map((one) => [
        checkWords[one.check] ?? '',
        plain(one.check),
        resultWords[one.result],
        plain(one.code),
        plain(one.zh),
        plain(one.en),
      ]),
    )
  }
  for (const one of verdict.findings) printNextStep(print, one)
  print.line()
  print.line(`证照标识 licence  ${plain(verdict.identifier)}${issuedBy(verdict)}`)
  print.line(`受理事项 matter   ${plain(verdict.matter)} at ${plain(verdict.receivingZone)}`)
  print.line(`数据位置 position ${verdict.position}, ${ageText(verdict)}`)
  print.line(`查验时间 checked  ${momentText(checkedAt)}`)
  if (verdict.lastEvent !== '') print.line(`最近事件 event    ${plain(verdict.lastEvent)}`)
  if (verdict.declaration !== '') {
    print.line(`互认声明 declaration ${plain(verdict.declaration)}, ${plain(verdict.declarationEvent)}`)
  }
  if (verdict.policyName !== '') print.line(`查验规则 policy   ${plain(verdict.policyName)}@${verdict.policyVersion}`)
  print.line(`查验编号 receipt  ${receiptNumber === '' ? '无 none' : plain(receiptNumber)}`)
}

const words: Readonly<Record<Word, { readonly zh: string; readonly colour: Colour }>> = {
  VALID: { zh: '有效', colour: 'green' },
  INVALID: { zh: '无效', colour: 'red' },
  NOT_RECOGNISED: { zh: '不受理', colour: 'blue' },
  UNDETERMINED: { zh: '无法判定', colour: 'yellow' },
}

const resultWords: Readonly<Record<CheckResult, string>> = {
  passed: '通过',
  failed: '不通过',
  unknown: '未能核验',
  skipped: '未要求',
}

const checkWords: Readonly<Record<string, string>> = {
  INTEGRITY: '内容',
  SIGNATURE: '签名',
  AUTHORITY: '权限',
  SEAL: '印章',
  STATUS: '状态',
  LOG: '见证',
  RECOGNITION: '互认',
  HOLDER: '持证',
}

function printLicence(print: Print, licence: NonNullable<VerdictAnswer['findings']['licence']>): void {
  const period = `${licence.validFrom || '…'} – ${licence.validUntil || '…'}`
  print.line(`${plain(licence.name)}  ${plain(licence.holder.name)}  期限 period ${plain(period)}`)
}

function printNextStep(print: Print, { check, nextStepZh, nextStepEn, contact }: FindingAnswer): void {
  if (nextStepZh === '') return
  print.line()
  print.line(`下一步 next (${plain(check)})  ${plain(nextStepZh)}  ${plain(nextStepEn)}`)
  if (contact === undefined) return
  print.line(`  ${plain(contact.telephone)}  ${plain(contact.hoursZh)}  ${plain(contact.hoursEn)}`)
  print.line(`  ${plain(contact.addressZh)}  ${plain(contact.addressEn)}`)
}

function issuedBy({ issuingZone }: VerdictAnswer['findings']): string {
  return issuingZone === '' ? '' : `, issued by ${plain(issuingZone)}`
}

/** What must stand beside a verdict that is not about now. */
function asOfLine({ asOf: json, position, dataTime }: VerdictAnswer['findings']): string | undefined {
  const asOf = asOfFromJson(json)
  if (asOf === undefined) return undefined
  const dataTimeMs = typeof dataTime === 'string' ? Date.parse(dataTime) : (dataTime ?? 0)
  const words = asOfWords({ asOf, position: BigInt(position), dataTimeMs })
  return words && `${words.zh}  ${words.en}`
}

function ageText({ dataTime, ageMs, asOf }: VerdictAnswer['findings']): string {
  if (asOf !== undefined) return `数据截至 data as of ${dataTime === undefined ? '?' : momentText(dataTime)}`
  if (ageMs === undefined) return '数据时效未知 age unknown'
  return `数据截至 data as of ${dataTime === undefined ? '?' : momentText(dataTime)}, 时效 age ${span(ageMs)}`
}

function momentText(value: string | number): string {
  return moment(typeof value === 'number' ? value : Date.parse(value))
}

function isVerdict(json: unknown): json is VerdictAnswer {
  if (!isObject(json) || !isObject(json.findings)) return false
  const { findings } = json
  const texts = [
    'code',
    'headlineZh',
    'headlineEn',
    'identifier',
    'matter',
    'receivingZone',
    'issuingZone',
    'declaration',
    'declarationEvent',
    'lastEvent',
    'policyName',
  ]
  return (
    typeof findings.word === 'string' &&
    Object.hasOwn(words, findings.word) &&
    [...texts, 'successor'].every((name) => typeof findings[name] === 'string') &&
    Array.isArray(findings.findings) &&
    findings.findings.every(isFinding) &&
    // VALID needs all eight to have been looked at, whatever the word above them says.
    (findings.word !== 'VALID' || findings.findings.length === checks.length) &&
    isNumberish(findings.position) &&
    (findings.dataTime === undefined || isNumberish(findings.dataTime)) &&
    (findings.ageMs === undefined || typeof findings.ageMs === 'number') &&
    typeof findings.policyVersion === 'number' &&
    // Not understood, it must not be shown as if it were about now.
    (findings.asOf === undefined || asOfFromJson(findings.asOf) !== undefined) &&
    (findings.mode === undefined || typeof findings.mode === 'string') &&
    (findings.licence === undefined || isLicence(findings.licence)) &&
    isNumberish(json.checkedAt) &&
    typeof json.receiptNumber === 'string'
  )
}

function isFinding(json: unknown): json is FindingAnswer {
  if (!isObject(json)) return false
  const texts = ['code', 'zh', 'en', 'nextStepZh', 'nextStepEn']
  const contact = json.contact
  return (
    checks.some((check) => check === json.check) &&
    typeof json.result === 'string' &&
    Object.hasOwn(resultWords, json.result) &&
    texts.every((name) => typeof json[name] === 'string') &&
    (contact === undefined || (isObject(contact) && Object.values(contact).every((one) => typeof one === 'string')))
  )
}

function isLicence(json: unknown): boolean {
  if (!isObject(json) || !isObject(json.holder)) return false
  return (
    ['name', 'validFrom', 'validUntil'].every((name) => typeof json[name] === 'string') &&
    typeof json.holder.name === 'string'
  )
}

function isNumberish(value: unknown): value is number | string {
  return typeof value === 'number' || typeof value === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
