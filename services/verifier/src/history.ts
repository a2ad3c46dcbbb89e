import { declarationInForce, kindNumber, type RecognitionDeclared } from '@hutong/licence'
import { type JudgedEvent, newestCharter, type ReadEvent, type SubjectFold, stands } from '@hutong/verify'
import type { Answerer } from './answer.ts'
import { positionOf } from './documents.ts'
import { type Copy, readSubject } from './subjects.ts'

/** One event of a history: what it came to, and what it says where that can be read. */
export interface ToldEvent {
  readonly judged: JudgedEvent
  readonly read: ReadEvent | undefined
}

/** The events of a fold, each with what could be read of it. */
export async function toldEvents(
  copy: Copy,
  fold: SubjectFold,
  subjects: readonly string[],
): Promise<readonly ToldEvent[]> {
  const read = new Map<string, ReadEvent>()
  for (const subject of new Set(subjects)) {
    for (const event of await readSubject(copy, fold.zone, subject)) {
      read.set(`${positionOf(event.kept)}/${event.kept.place}`, event)
    }
  }
  return fold.events.map((judged) => ({ judged, read: read.get(`${judged.position}/${judged.place}`) }))
}

/** The word of a kind, as events are called in the domain; a kind nobody here knows by its number. */
export function kindWord(kind: number): string {
  const known = Object.entries(kindNumber).find(([, number]) => number === kind)
  return known?.[0] ?? `kind_${kind}`
}

/** One declaration in force. */
export interface DeclarationRow {
  readonly receivingZone: string
  readonly declaration: RecognitionDeclared
  /** `<origin>/<index>` of its newest event that stands. */
  readonly eventId: string
}

/**
 * The declarations in force at the copy's position and this time, of one receiving zone or (undefined) of all, in the order of receiving
 * zone, licence type, id. One that cannot be told for certain is not among them.
 */
export async function declarationsInForce(
  answerer: Answerer,
  copy: Copy,
  receivingZone: string | undefined,
  nowMs: number,
): Promise<readonly DeclarationRow[]> {
  const zones = receivingZone === undefined ? newestCharter(copy.trust).zones.map(({ id }) => id) : [receivingZone]
  const rows: DeclarationRow[] = []
  for (const zone of zones) {
    for (const fold of await answerer.declarations(copy, zone)) {
      const declaration = fold.clouds.length === 0 ? declarationInForce(fold.declaration, nowMs) : undefined
      const event = fold.events.findLast(({ code }) => code === stands)
      if (declaration === undefined || event === undefined) continue
      rows.push({ receivingZone: zone, declaration, eventId: `${event.origin}/${event.index}` })
    }
  }
  const order = (row: DeclarationRow) =>
    `${row.receivingZone} ${row.declaration.licenceType} ${row.declaration.declarationId}`
  return rows.toSorted((left, right) => (order(left) < order(right) ? -1 : 1))
}
