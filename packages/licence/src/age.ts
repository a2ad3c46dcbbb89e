import type { Bilingual } from './sentence.ts'

const units = [
  { ms: 86_400_000, zh: '天', en: 'd' },
  { ms: 3_600_000, zh: '小时', en: 'h' },
  { ms: 60_000, zh: '分钟', en: 'min' },
  { ms: 1000, zh: '秒', en: 's' },
] as const

/**
 * An age (milliseconds) in words, 「12 秒前」: whole units, rounded up, because data must not look younger than it is.
 * The largest unit of which that makes at least two; undefined is an age nobody knows. A negative age is 0.
 */
export function ageWords(ageMs: number | undefined): Bilingual {
  if (ageMs === undefined) return { zh: '时间未知', en: 'age unknown' }
  const unit = units.find(({ ms }) => ageMs > ms) ?? units[3]
  const amount = Math.max(0, Math.ceil(ageMs / unit.ms))
  return { zh: `${amount} ${unit.zh}前`, en: `${amount} ${unit.en} ago` }
}
