import { type AsOf, type Findings, type LicenceIssued, readIdentifier } from '@hutong/licence'
import type { EntryRecord } from '@hutong/wire'
import { type FoldContext, foldSubject, type SubjectFold } from './fold.ts'
import { type FollowedEntry, type FollowState, followEntry, startFollowing } from './follow.ts'
import { type CosignedHead, readCosigned } from './head.ts'
import { foldThatCounts, foundNowhere, issuingZones } from './issuing-zones.ts'
import { judge } from './judge.ts'
import { type ReadEvent, readEvent } from './kept.ts'
import { coverLeaves, type NewestLeaves, newestLeafMs, noLeaves, withNewestLeaf } from './newest-leaf.ts'
import {
  charterPolicy,
  type Knowledge,
  type KnowledgeNow,
  knowledgeAsOf,
  type Policy,
  type Question,
} from './question.ts'
import type { Refused } from './refused.ts'
import type { Trust } from './trust.ts'

/** What is asked of a copy. */
export interface Asked {
  readonly at: string
  readonly matter?: string
  readonly holderCode?: string
  readonly fileSha256?: Uint8Array
  readonly policy?: Policy
  readonly nowMs?: number
  readonly hubFault?: string
  readonly asOf?: AsOf
}

/**
 * A zone's copy of a world as simple as it can be: everything is kept in one list and folded again for each question. What a verifier
 * does with stores and caches must come to the same.
 */
export class WorldCopy {
  state: FollowState
  cosigned: CosignedHead | undefined
  newest: NewestLeaves = noLeaves
  readonly #events: ReadEvent[] = []
  /** The hub's clock at each leaf. */
  readonly #receivedAtMs: number[] = []

  constructor(pinnedSha256: Uint8Array) {
    this.state = startFollowing(pinnedSha256)
  }

  get trust(): Trust {
    if (this.state.trust === undefined) throw new RangeError('no charter was followed yet')
    return this.state.trust
  }

  /** All events so far, in the order of H. */
  get events(): readonly ReadEvent[] {
    return this.#events
  }

  /** Follows one record; a refused one changes nothing. */
  take(record: EntryRecord): FollowedEntry | Refused {
    const followed = followEntry(this.state, record)
    if (followed.kind === 'refused') return followed
    this.state = followed.state
    this.#events.push(...followed.events)
    this.#receivedAtMs.push(followed.hubLeaf.receivedAtMs)
    const last = followed.events.at(-1)
    if (last !== undefined) {
      const { zone, origin, signer, index, position } = last.kept
      const { loggedAtMs } = last.leaf
      this.newest = withNewestLeaf(this.newest, { zone, origin, signer, index, position: position!, loggedAtMs })
    }
    return followed
  }

  /** Takes in a cosigned head; one that holds for nobody is refused and changes nothing. */
  cosign(note: Uint8Array): CosignedHead | Refused {
    const head = readCosigned(this.trust, note, this.cosigned?.checkpoint.size ?? 0n)
    if (head.kind === 'refused') return head
    this.cosigned = head
    this.newest = coverLeaves(this.newest, head.checkpoint.size)
    return head
  }

  /** What was missing arrives: the event is read again with this. */
  supply(origin: string, index: bigint, given: { readonly salt: Uint8Array; readonly payload: Uint8Array }): void {
    const at = this.#events.findIndex(({ kept }) => kept.origin === origin && kept.index === index)
    const event = this.#events[at]
    const read = event && readEvent({ ...event.kept, salt: given.salt, payload: given.payload })
    if (read === undefined) throw new RangeError(`no event ${origin}/${index}`)
    this.#events[at] = read
  }

  /** The subject (hex) under which a zone's log knows a string. */
  primarySubject(zone: string, subjectString: string): string | undefined {
    return this.#events.find((event) => event.kept.zone === zone && namedBy(event, true) === subjectString)?.subject
  }

  /** The fold of a subject (hex) of a zone. */
  fold(zone: string, subject: string): SubjectFold {
    const context: FoldContext = {
      trust: this.trust,
      primarySubject: (subjectString) => this.primarySubject(zone, subjectString),
    }
    const about = this.#events.filter((event) => {
      if (event.kept.zone !== zone) return false
      const named = namedBy(event, false)
      return event.subject === subject || (named !== undefined && this.primarySubject(zone, named) === subject)
    })
    return foldSubject(zone, subject, about, context)
  }

  /** Every subject of a zone that has a leaf, folded, in the order of its first leaf. */
  folds(zone: string): readonly SubjectFold[] {
    const subjects = this.#events
      .filter(({ kept, leaf }) => kept.zone === zone && leaf.kind < 128)
      .map(({ subject }) => subject)
    return [...new Set(subjects)].map((subject) => this.fold(zone, subject))
  }

  /** The subjects of a zone that have a leaf of the kinds of declarations, folded. */
  declarations(zone: string): readonly SubjectFold[] {
    const declares = new Set(
      this.#events
        .filter(({ kept, leaf }) => kept.zone === zone && leaf.kind >= 40 && leaf.kind < 80)
        .map(({ subject }) => subject),
    )
    return this.folds(zone).filter(({ subject }) => declares.has(subject))
  }

  knowledge(nowMs: number, hubFault?: string): KnowledgeNow {
    const { trust, newest, cosigned } = this
    const { position } = this.state
    return {
      kind: 'now',
      trust,
      position,
      nowMs,
      cosigned,
      newestLeafMs: (zone) => newestLeafMs(newest, trust, position, zone),
      hubFault,
    }
  }

  /** What a clerk is told. @throws {RangeError} the identifier is malformed: then there is no verdict. */
  ask(about: LicenceIssued | string, asked: Asked & { readonly nowMs: number }): Findings {
    const question = questionOf(about, asked)
    const { nowMs, hubFault, asOf } = asked
    if (asOf === undefined) return this.#answer(question, this.knowledge(nowMs, hubFault))
    const knowledge = this.#knowledgeAsOf(asOf, hubFault)
    return this.#below(knowledge).#answer(question, knowledge)
  }

  #answer(question: Question, knowledge: Knowledge): Findings {
    const folds = issuingZones(knowledge.trust, question.identifier).flatMap((zone) => {
      const subject = this.primarySubject(zone, question.identifier.subjectString)
      return subject === undefined ? [] : [this.fold(zone, subject)]
    })
    const fold = foldThatCounts(folds)
    if (fold === undefined) return foundNowhere(question, knowledge)
    const declarations = this.declarations(question.receivingZone)
    return judge(question, knowledge, { issuingZone: fold.zone, fold, declarations })
  }

  /** @throws {RangeError} no cosigned head held covers it: there is no answer yet. */
  #knowledgeAsOf(asOf: AsOf, hubFault: string | undefined): Knowledge {
    const size = Number(this.cosigned?.checkpoint.size ?? 0n)
    const received = this.#receivedAtMs.slice(0, size)
    const position =
      asOf.kind === 'position' ? Number(asOf.position) : received.filter((timeMs) => timeMs <= asOf.timeMs).length
    const receivedAtMs = received[position - 1]
    if (receivedAtMs === undefined) throw new RangeError(`no answer as of position ${position} of ${size}`)
    return knowledgeAsOf({ asOf, position: BigInt(position), receivedAtMs, trust: this.trust, hubFault })
  }

  /** This copy as if it had never read on. */
  #below({ position, trust }: Knowledge): WorldCopy {
    const copy = new WorldCopy(this.state.pinnedSha256)
    copy.state = { ...this.state, position, trust }
    copy.#events.push(...this.#events.filter(({ kept }) => kept.position! < position))
    return copy
  }
}

/** What `asked` asks about a licence. @throws {RangeError} the identifier is malformed. */
export function questionOf(about: LicenceIssued | string, asked: Asked): Question {
  const identifier = readIdentifier(typeof about === 'string' ? about : about.identifier)
  if (identifier.kind === 'malformed') throw new RangeError('a malformed identifier')
  const { at, matter = 'M-001', holderCode, fileSha256, policy = charterPolicy } = asked
  return { identifier, matter, receivingZone: at, holderCode, fileSha256, policy }
}

function namedBy({ reading, leaf }: ReadEvent, matching: boolean): string | undefined {
  if (reading.kind !== 'read' || leaf.kind >= 128) return undefined
  return matching && !reading.subjectMatches ? undefined : reading.subjectString
}
