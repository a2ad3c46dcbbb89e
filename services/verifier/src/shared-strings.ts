import type { Store } from '@hutong/store'
import { collections } from './documents.ts'
import { pages } from './subjects.ts'

/** Strings held in memory at most; beyond it every string counts as shared. */
const sharedStringsMax = 100_000

/**
 * Which subject strings cannot be folded from the events of one subject alone: several subjects are marked as standing for one, or an event
 * of another subject names it. Honest zones have none, so that one look at all marks in order saves three look-ups for every licence.
 */
export async function sharedStrings(store: Store, turn: () => Promise<void>): Promise<(stringKey: string) => boolean> {
  const shared = new Set<string>()
  let before = ''
  for await (const page of pages(store, collections.strings, '', '\uffff')) {
    for (const { key } of page) {
      const string = firstTwoParts(key)
      if (string === before) shared.add(string)
      before = string
    }
    if (shared.size > sharedStringsMax) return () => true
    await turn()
  }
  for await (const page of pages(store, collections.touching, '', '\uffff')) {
    for (const { key } of page) shared.add(firstTwoParts(key))
    if (shared.size > sharedStringsMax) return () => true
    await turn()
  }
  return (stringKey) => shared.has(stringKey)
}

/** `<digest>/<zone>` of a mark's key. */
function firstTwoParts(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1))
}
