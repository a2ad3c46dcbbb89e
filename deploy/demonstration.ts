import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Authority, LicenceIssued, RecognitionDeclared, RecognitionMode, Zone } from '@hutong/licence'
import { eventFromJson } from '@hutong/wire'

/** The alliance of the box. */
export const demonstrationAlliance = 'jjj.hutong.example'
export const demonstrationNames = {
  nameZh: '京津冀国家级经开区政务服务互通互办（演示）',
  nameEn: 'Beijing-Tianjin-Hebei economic zones (demonstration)',
} as const

/** The type that stands on no list and that nobody declares (docs/decisions/0005). */
export const undeclaredType = '11100000000013338W032'
/** The types of the sample licences that the demonstration declares. */
export const declaredTypes: readonly string[] = [
  '11100000MB0143028R001',
  '11100000MB0143028R014',
  '11100000000013338W009',
  '11100000000013338W011',
  '11100000MB03271699001',
]
/** The three zones of a box for which nobody asked for others. */
export const defaultZones: readonly string[] = ['beijing', 'tianjin', 'langfang']
/** Matters of one declaration of the demonstration, at most. */
const mattersMax = 24

/** Every zone there is, in the order of the list. */
export function demonstrationZones(): readonly Zone[] {
  const listed = JSON.parse(text('zones.json')) as readonly ListedZone[]
  const licenceTypes = [...column('licence-types.csv', 'code'), undeclaredType]
  return listed.map((zone, at) => ({
    id: zone.id,
    nameZh: zone.zh,
    nameEn: zone.en,
    region: zone.region,
    certificateAuthorities: [],
    authorities: zone.authorities.map((authority) => authorityOf(zone, authority, at, licenceTypes)),
  }))
}

/** The licences that the box publishes at its first start, by zone. */
export function demonstrationLicences(zone: string): readonly LicenceIssued[] {
  return text('licences.ndjson')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { zone: string; licence: unknown })
    .filter((one) => one.zone === zone)
    .map(({ licence }) => issuedFrom(licence))
}

/**
 * What a zone declares at its first start: all of `declaredTypes` from every other zone of the box, for the first matters that ask for
 * them, in both modes. In force from `fromMs` on, without end.
 */
export function demonstrationDeclarations(
  zone: string,
  zones: readonly string[],
  fromMs: number,
): readonly RecognitionDeclared[] {
  const issuingZones = zones.filter((other) => other !== zone)
  if (issuingZones.length === 0) return []
  const matters = demonstrationMatters()
  return declaredTypes.flatMap((licenceType) =>
    modes.flatMap(({ mode, word }) => {
      const codes = matters
        .filter((matter) => matter.mode === word && matter.materials.includes(licenceType))
        .map(({ code }) => code)
        .slice(0, mattersMax)
      return codes.length === 0 ? [] : [declarationOf(licenceType, issuingZones, codes, mode, fromMs)]
    }),
  )
}

/** A matter and the licence types it asks for. */
export interface DemonstrationMatter {
  readonly code: string
  readonly name: string
  /** 跨省通办 or 异地代办. */
  readonly mode: string
  readonly materials: readonly string[]
}

/** Every matter of the alliance, in the order of the list. */
export function demonstrationMatters(): readonly DemonstrationMatter[] {
  return rows('matters.csv').map((row) => ({
    code: row.code!,
    name: row.name!,
    mode: row.mode!,
    materials: row.materials!.split(';'),
  }))
}

interface ListedZone {
  readonly id: string
  readonly zh: string
  readonly en: string
  readonly region: string
  readonly authorities: readonly { readonly code: string; readonly zh: string; readonly en: string }[]
}

const modes: readonly { readonly mode: RecognitionMode; readonly word: string }[] = [
  { mode: 'cross_province', word: '跨省通办' },
  { mode: 'on_behalf', word: '异地代办' },
]

// No area of the country has a number that begins with 000: nobody is called by mistake.
function authorityOf(
  zone: ListedZone,
  { code, zh, en }: ListedZone['authorities'][number],
  at: number,
  licenceTypes: readonly string[],
): Authority {
  const contact = {
    telephone: `010-0000-${String(1000 + at)}（演示）`,
    hoursZh: '工作日 9:00–17:00（演示）',
    hoursEn: 'working days 9:00 to 17:00 (demonstration)',
    addressZh: `${zone.zh}政务服务大厅（演示）`,
    addressEn: `service hall of ${zone.en} (demonstration)`,
  }
  return { code, nameZh: zh, nameEn: en, contact, licenceTypes }
}

function declarationOf(
  licenceType: string,
  issuingZones: readonly string[],
  matters: readonly string[],
  mode: RecognitionMode,
  effectiveFromMs: number,
): RecognitionDeclared {
  const ending = mode === 'cross_province' ? 'c' : 'b'
  return {
    kind: 'recognition_declared',
    declarationId: `demo-${licenceType.toLowerCase()}-${ending}`,
    version: 1,
    licenceType,
    issuingZones,
    matters,
    mode,
    effectiveFromMs,
    effectiveUntilMs: undefined,
    fields: ['holder_name', 'holder_code', 'validate_end'],
    legalBasis: '京津冀国家级经开区政务服务互通互办合作机制（演示）',
  }
}

function issuedFrom(json: unknown): LicenceIssued {
  const reading = eventFromJson(json)
  if (reading.kind === 'event' && reading.event.kind === 'licence_issued') return reading.event
  throw new Error('a licence of the demonstration cannot be read')
}

function column(file: string, name: string): readonly string[] {
  return rows(file).map((row) => row[name]!)
}

// The lists of the demonstration are ours and hold no quotation mark; a test says so.
function rows(file: string): readonly Readonly<Record<string, string>>[] {
  const [heading = '', ...lines] = text(file).trimEnd().split('\n')
  const names = heading.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, at) => [names[at]!, value])))
}

function text(file: string): string {
  return readFileSync(join(import.meta.dirname, 'demonstration', file), 'utf8')
}
