import { type LicenceIssued, type Refusal, refusal } from '@hutong/licence'
import type { ZoneChoice } from './row.ts'

/** The fields of a licence (GB/T 36903) in the two sets of names that are exchanged: pinyin, English. */
export const fieldNames = {
  name: ['ZZMC', 'certificate_name'],
  licenceType: ['ZZLXDM', 'certificate_type_name_code'],
  number: ['ZZBH', 'certificate_number'],
  identifier: ['ZZBS', 'certificate_identifier'],
  authorityName: ['ZZBFJG', 'issuing_authority_name'],
  authority: ['ZZBFJGDM', 'issuing_authority_code'],
  issuedOn: ['ZZBFRQ', 'issuing_authority_date'],
  holderName: ['CZZT', 'holder_name'],
  holderCode: ['CZZTDM', 'holder_code'],
  holderCodeType: ['CZZTDMLXDM', 'holder_type'],
  validFrom: ['ZZYXQQSRQ', 'validate_start'],
  validUntil: ['ZZYXQJZRQ', 'validate_end'],
} as const

export type FieldName = keyof typeof fieldNames

/** Columns that a file of refused rows has before those of the rows; in a file to import they say nothing about a licence. */
export const reportNames = [
  'HUTONG_LINE',
  'HUTONG_CODE',
  'HUTONG_FIELD',
  'HUTONG_EXPECTED',
  'HUTONG_REASON',
  'HUTONG_ABSENT',
  'HUTONG_TEXT',
] as const

/** Where in a row each thing stands. */
export interface Layout {
  /** How many names there are. */
  readonly columns: number
  readonly names: readonly string[]
  readonly fields: Readonly<Record<FieldName, number>>
  readonly extensions: readonly { readonly name: string; readonly column: number }[]
  readonly zone: { readonly zone: string } | { readonly column: number }
  /** The table is one of refused rows that was sent again: its cells are guarded. */
  readonly isReport: boolean
  /** The column that lists fields the row does not have; only a table of refused rows has it. */
  readonly absent: number | undefined
}

/**
 * Finds the fields among the names of a heading or of one object. Every name must be known: a misspelt end of period must not become a
 * licence without end. Names of the two sets are not mixed: who mixes them has joined what does not belong together.
 */
export function layoutOf(names: readonly string[], choice: ZoneChoice): Layout | Refusal {
  const isReport = names.includes('HUTONG_CODE')
  const faulty = nameFault(names, choice, isReport)
  if (faulty !== undefined) return faulty
  const known = new Set<string>([...Object.values(fieldNames).flat(), ...reportNames])
  const columns = Object.entries(fieldNames).map(([field, spellings]) => [field, columnOf(names, spellings)] as const)
  return {
    columns: names.length,
    names,
    fields: Object.fromEntries(columns) as Record<FieldName, number>,
    extensions: names.flatMap((name, column) => (isExtension(name) && !known.has(name) ? [{ name, column }] : [])),
    zone: choice.kind === 'zone' ? { zone: choice.zone } : { column: names.indexOf(choice.name) },
    isReport,
    absent: isReport && names.includes('HUTONG_ABSENT') ? names.indexOf('HUTONG_ABSENT') : undefined,
  }
}

/** The licence in the values of a row; nothing of it is judged. */
export function licenceFrom(layout: Layout, values: readonly string[]): LicenceIssued {
  const text = (column: number) => (layout.isReport ? cellText(values[column]!) : values[column]!)
  const field = (name: FieldName) => text(layout.fields[name])
  const absent: readonly string[] = layout.absent === undefined ? [] : values[layout.absent]!.split(' ')
  return {
    kind: 'licence_issued',
    identifier: field('identifier'),
    authority: field('authority'),
    authorityName: field('authorityName'),
    licenceType: field('licenceType'),
    name: field('name'),
    number: field('number'),
    issuedOn: field('issuedOn'),
    holder: { name: field('holderName'), code: field('holderCode'), codeType: field('holderCodeType') },
    validFrom: field('validFrom'),
    validUntil: field('validUntil'),
    extensions: layout.extensions.flatMap(({ name, column }) =>
      absent.includes(name) && values[column] === '' ? [] : [{ name, value: text(column) }],
    ),
    files: [],
    demonstration: false,
  }
}

/**
 * What a row of a table of refused rows still lacks: a field that was missing and is still empty (whoever means it to be empty takes it
 * out of HUTONG_ABSENT), or cells beyond the heading that nobody has looked at. Unmended it must not come in as something else.
 */
export function unmendedFault(layout: Layout, values: readonly string[]): Refusal | undefined {
  const { absent, fields, names } = layout
  if (absent === undefined) return undefined
  const missing = values[absent]!.split(' ')
  const column = Object.values(fields).find((one) => missing.includes(names[one]!) && values[one] === '')
  if (column !== undefined) {
    return refusal('MISSING_TEXT', {
      field: names[column]!,
      expected: 'the field, or its name taken out of HUTONG_ABSENT',
    })
  }
  const [code, text] = [names.indexOf('HUTONG_CODE'), names.indexOf('HUTONG_TEXT')]
  const isTooMany = values[code] === 'ITEM_COUNT' && text >= 0 && values[text] !== ''
  return isTooMany ? refusal('ITEM_COUNT', { field: 'HUTONG_TEXT', expected: 'nothing left in it' }) : undefined
}

/** The zone that a row names. */
export function zoneFrom({ zone, isReport }: Layout, values: readonly string[]): string {
  if ('zone' in zone) return zone.zone
  return isReport ? cellText(values[zone.column]!) : values[zone.column]!
}

/**
 * A text for a cell of a table that a spreadsheet opens: what it would take for a formula begins with an apostrophe. `cellText` is the
 * inverse for every text.
 */
export function guardedCell(text: string): string {
  return /^['=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text
}

/** The text of a guarded cell. */
export function cellText(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell
}

function nameFault(names: readonly string[], choice: ZoneChoice, isReport: boolean): Refusal | undefined {
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) return refusal('FIELD_NAMES', { field: shown(twice), expected: 'every name once' })
  const [pinyin, english] = [0, 1].map((set) => Object.values(fieldNames).map((spellings) => spellings[set]!))
  const first = {
    pinyin: pinyin!.find((name) => names.includes(name)),
    english: english!.find((name) => names.includes(name)),
  }
  if (first.pinyin !== undefined && first.english !== undefined) {
    const expected = `the pinyin names or the English ones: both ${first.pinyin} and ${first.english} are there`
    return refusal('FIELD_NAMES', { field: first.english, expected })
  }
  const known = new Set<string>([...pinyin!, ...english!, ...(isReport ? reportNames : [])])
  const zoneName = choice.kind === 'field' ? choice.name : undefined
  const stranger = names.find((name) => !known.has(name) && !isExtension(name) && name !== zoneName)
  if (stranger !== undefined) {
    const expected = `a name of GB/T 36903, KZ_…, extend_info${zoneName === undefined ? '' : ` or ${zoneName}`}`
    return refusal('FIELD_NAMES', { field: shown(stranger), expected })
  }
  const set = first.english === undefined ? pinyin! : english!
  const missing =
    set.find((name) => !names.includes(name)) ??
    (zoneName === undefined || names.includes(zoneName) ? undefined : zoneName)
  if (missing === undefined) return undefined
  if ((fieldNames.identifier as readonly string[]).includes(missing))
    return refusal('MISSING_IDENTIFIER', { field: missing })
  return refusal('MISSING_TEXT', { field: missing, expected: 'the field, empty where there is nothing to say' })
}

function columnOf(names: readonly string[], [pinyin, english]: readonly [string, string]): number {
  return names.includes(pinyin) ? names.indexOf(pinyin) : names.indexOf(english)
}

function isExtension(name: string): boolean {
  return name.startsWith('KZ_') || name === 'extend_info'
}

/** A name that nobody knows may be anything, also a row that lost its heading: what is personal in it is not told on. */
function shown(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(name) ? name : JSON.stringify(`${name.slice(0, 1)}…`)
}
