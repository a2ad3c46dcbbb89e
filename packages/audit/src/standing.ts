import type { SubjectFold } from '@hutong/verify'
import type { Standing, Texts } from './event-piece.ts'

/** Days that 16 bits can name: up to the year 2149. */
const lastDay = 65_535
const dayMs = 86_400_000

/**
 * What check STATUS rests on for a subject: the code of what clouds it, else how its licence stands, in the words of its state. Small
 * enough to be held for every licence.
 */
export function standingOf(fold: SubjectFold, words: Texts): Standing {
  const cloud = fold.clouds[0]?.code
  if (cloud !== undefined) return { word: words.numberOf(cloud), fromDay: 0, untilDay: 0 }
  if (fold.declaration.versions.length > 0) return { word: words.numberOf(declarationWord), fromDay: 0, untilDay: 0 }
  const { licence } = fold
  const word = words.numberOf(licence.kind.toUpperCase())
  if (licence.kind === 'none') return { word, fromDay: 0, untilDay: 0 }
  return { word, fromDay: dayOf(licence.licence.validFrom), untilDay: dayOf(licence.licence.validUntil) }
}

/** The word of a standing at a moment: IN_FORCE is EXPIRED after its last day and NOT_YET_VALID before its first. */
export function standingWord({ word, fromDay, untilDay }: Standing, words: Texts, atMs: number): string {
  const said = words.text(word)
  if (said !== 'IN_FORCE') return said
  const today = Math.floor((atMs + chinaOffsetMs) / dayMs)
  if (untilDay !== 0 && today > untilDay) return 'EXPIRED'
  return fromDay !== 0 && today < fromDay ? 'NOT_YET_VALID' : said
}

/** Not of a licence: a subject that declares recognition. */
const declarationWord = 'DECLARATION'
/** Dates of licences are China Standard Time. */
const chinaOffsetMs = 8 * 3_600_000

/** 0 for an empty or open date. */
function dayOf(date: string): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) / dayMs : 0
  return day > 0 && day <= lastDay ? day : 0
}
