import type { Bilingual } from './sentence.ts'
import type { Findings } from './verdict.ts'

/**
 * What must stand beside a verdict that is not about now, 「截至…的结论」: up to which position it looked, and by which clock, in China
 * Standard Time. Undefined for one that is about now.
 */
export function asOfWords({
  asOf,
  position,
  dataTimeMs,
}: Pick<Findings, 'asOf' | 'position' | 'dataTimeMs'>): Bilingual | undefined {
  if (asOf === undefined) return undefined
  // Where nothing could be looked at there is only what was asked.
  const upTo = position === 0n && asOf.kind === 'position' ? asOf.position : position
  const time = readableTime(asOf.kind === 'time' ? asOf.timeMs : dataTimeMs)
  if (time === '') return { zh: `截至位置 ${upTo} 的结论，并非现时`, en: `as of position ${upTo}, not about now` }
  if (upTo === 0n) return { zh: `截至 ${time} 的结论，并非现时`, en: `as of ${time}, not about now` }
  return {
    zh: `截至 ${time}（位置 ${upTo}）的结论，并非现时`,
    en: `as of ${time} (position ${upTo}), not about now`,
  }
}

/** To the second; empty for none, and for what no calendar names. */
function readableTime(timeMs: number): string {
  const shifted = timeMs + 8 * 3_600_000
  if (timeMs === 0 || shifted > 8_640_000_000_000_000) return ''
  return new Date(shifted).toISOString().slice(0, 19).replace('T', ' ')
}
