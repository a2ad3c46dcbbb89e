import { foldThatCounts, foundNowhere, issuingZones, judge, knowledgeAsOf, type Question } from '@hutong/verify'
import type { LoggedRecord } from '@hutong/wire'
import { HubReplay } from './hub-replay.ts'
import type { RecordSource, UnreadableRecord } from './ports.ts'
import { QuestionBook } from './question-book.ts'
import type { Contradiction } from './report.ts'
import { orAborted, untilAborted } from './until-aborted.ts'

export interface AnswerAsOfOptions {
  readonly source: RecordSource
  /** SHA-256 of charter 0, 32 bytes. Left out: the first one seen is trusted. */
  readonly charterSha256?: Uint8Array
  readonly question: Question
  readonly asOf: Parameters<typeof knowledgeAsOf>[0]['asOf']
  /** Ends the reading; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Told, after each leaf of H, how many were taken in. */
  readonly onProgress?: (position: bigint) => void
}

/** What the records come to. */
export type AnswerAsOf =
  /** What every verifier answers, byte for byte, that holds the same payloads, under the same policy. */
  | { readonly kind: 'findings'; readonly findings: ReturnType<typeof judge> }
  /** The newest cosigned head shown covers only so many leaves. */
  | { readonly kind: 'not_yet'; readonly cosigned: bigint }
  | { readonly kind: 'before_first_leaf' }
  /** Something no honest hub says: nothing rests on these records. */
  | { readonly kind: 'contradiction'; readonly contradiction: Contradiction }

/**
 * A verdict as of a position or time, out of the records alone: nobody's copy is asked. All of H is read, and held against every signed
 * head in it, so that the answer lies under a head that a quorum has cosigned.
 *
 * @throws what the source throws, and the signal's reason; what the hub says never throws.
 */
export async function answerAsOf(options: AnswerAsOfOptions): Promise<AnswerAsOf> {
  const { source, question, asOf, signal } = options
  const heads = await orAborted(source.heads(signal), signal)
  const hub = new HubReplay(options.charterSha256)
  const book = new QuestionBook(question)
  let contradiction = hub.showHead({ note: heads.head, shownBy: 'the hub', byHub: true })
  let position = 0n
  let receivedAtMs = 0
  for await (const record of untilAborted(source.records(0n, signal), signal)) {
    if (contradiction !== undefined) break
    if (record.kind !== 'entry') {
      contradiction = shown(hub, record)
      continue
    }
    const followed = hub.takeEntry(record)
    if (!('kind' in followed)) return { kind: 'contradiction', contradiction: followed }
    contradiction = hub.holdReachedHeads()
    options.onProgress?.(hub.position)
    const { hubLeaf, events } = followed
    const asked = asOf.kind === 'position' ? hubLeaf.index < asOf.position : hubLeaf.receivedAtMs <= asOf.timeMs
    if (!asked) continue
    for (const event of events) book.take(event)
    position = hub.position
    receivedAtMs = hubLeaf.receivedAtMs
  }
  contradiction ??= hub.showCosigned(heads.cosigned) ?? hub.end()
  if (contradiction !== undefined) return { kind: 'contradiction', contradiction }
  const cosigned = hub.cosigned?.checkpoint.size ?? 0n
  // Of a time only a later leaf shows that none is still to come.
  const wanted = asOf.kind === 'position' ? asOf.position : position + 1n
  const { trust } = hub
  if (trust === undefined || wanted > cosigned) return { kind: 'not_yet', cosigned }
  if (position === 0n) return { kind: 'before_first_leaf' }
  const knowledge = knowledgeAsOf({ asOf, position, receivedAtMs, trust, hubFault: undefined })
  const folds = issuingZones(knowledge.trust, question.identifier).map((zone) => book.licence(zone, knowledge.trust))
  const fold = foldThatCounts(folds.filter((one) => one !== undefined))
  if (fold === undefined) return { kind: 'findings', findings: foundNowhere(question, knowledge) }
  const declarations = book.declarations(knowledge.trust)
  return { kind: 'findings', findings: judge(question, knowledge, { issuingZone: fold.zone, fold, declarations }) }
}

function shown(
  hub: HubReplay,
  record: Exclude<LoggedRecord, { kind: 'entry' }> | UnreadableRecord,
): Contradiction | undefined {
  switch (record.kind) {
    case 'head':
      return hub.showHead({ note: record.checkpoint, shownBy: 'the hub', byHub: true })
    case 'cosigned':
      return hub.showCosigned(record.checkpoint)
    case 'unreadable':
      return hub.unreadable(record.why)
  }
}
