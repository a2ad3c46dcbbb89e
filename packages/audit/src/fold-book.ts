import { createHash } from 'node:crypto'
import { emptyFold, foldEvent, type ReadEvent, type SubjectFold, type Trust } from '@hutong/verify'

/** Kinds from here on are informative: they never touch a state and have no row (formats F5, F15). */
const firstInformativeKind = 128

/** The folds of all subjects of all zones, grown event by event; what it keeps of an event is its judgement, never its bytes. */
export class FoldBook {
  /** By zone, then by hex of the subject. */
  readonly #zones: Map<string, Map<string, Subject>> = new Map()
  /** By hash of zone and subject string: the one subject under which the zone's log knows the string. */
  readonly #primaries: Map<string, Subject> = new Map()
  /** Events that name a subject string before the first one that matches its leaf; they touch the subject that comes. */
  readonly #waiting: Map<string, ReadEvent[]> = new Map()

  /** Folds the next event of a zone's log into its subject, and into the one it only names. Answers whether it can touch a state. */
  take(event: ReadEvent, trust: Trust): boolean {
    if (event.leaf.kind >= firstInformativeKind) return false
    const { zone } = event.kept
    const { reading } = event
    const subject = this.#subject(zone, event.subject)
    const string = reading.kind === 'read' ? reading.subjectString : undefined
    const name = string === undefined ? undefined : nameOf(zone, string)
    if (name !== undefined && reading.kind === 'read' && reading.subjectMatches) this.#settle(name, subject, trust)
    this.#fold(subject, event, trust)
    if (name !== undefined) this.#touch(name, subject, event, trust)
    return true
  }

  /** All folds so far, in no order; each has an event of its own. */
  folds(): readonly SubjectFold[] {
    return [...this.#zones.values()].flatMap((subjects) => [...subjects.values()].map(({ fold }) => fold))
  }

  #subject(zone: string, hex: string): Subject {
    const subjects = this.#zones.get(zone) ?? new Map<string, Subject>()
    if (subjects.size === 0) this.#zones.set(zone, subjects)
    const subject = subjects.get(hex) ?? { fold: emptyFold(zone, hex) }
    subjects.set(hex, subject)
    return subject
  }

  #settle(name: string, subject: Subject, trust: Trust): void {
    if (this.#primaries.has(name)) return
    this.#primaries.set(name, subject)
    for (const earlier of this.#waiting.get(name) ?? []) {
      if (earlier.subject !== subject.fold.subject) this.#fold(subject, earlier, trust)
    }
    this.#waiting.delete(name)
  }

  #touch(name: string, subject: Subject, event: ReadEvent, trust: Trust): void {
    const primary = this.#primaries.get(name)
    if (primary === undefined) this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), withoutBytes(event)])
    else if (primary !== subject) this.#fold(primary, event, trust)
  }

  #fold(subject: Subject, event: ReadEvent, trust: Trust): void {
    const { zone } = subject.fold
    const primarySubject = (string: string) => this.#primaries.get(nameOf(zone, string))?.fold.subject
    subject.fold = withoutViews(foldEvent(subject.fold, event, { trust, primarySubject }), subject.fold)
  }
}

interface Subject {
  fold: SubjectFold
}

/** A hash: thousands of subject strings are held, and only whether they are equal is ever asked. */
function nameOf(zone: string, subjectString: string): string {
  return createHash('sha256').update(`${zone}\0${subjectString}`).digest().toString('latin1')
}

function withoutBytes(event: ReadEvent): ReadEvent {
  return { ...event, kept: { ...event.kept, leaf: nothing, salt: nothing, payload: nothing } }
}

/**
 * Digests of files are views of the payload they came in, and so of the bytes of its whole batch: left so, a fold would hold all of them.
 */
function withoutViews(fold: SubjectFold, before: SubjectFold): SubjectFold {
  const { licence, refusedIssue } = fold
  return {
    ...fold,
    ...(licence !== before.licence && licence.kind !== 'none' && { licence: withOwnFiles(licence) }),
    ...(refusedIssue !== undefined &&
      refusedIssue !== before.refusedIssue && { refusedIssue: withOwnFiles(refusedIssue) }),
  }
}

type WithLicence = Pick<NonNullable<SubjectFold['refusedIssue']>, 'licence'>

function withOwnFiles<T extends WithLicence>(holder: T): T {
  const { files } = holder.licence
  if (files.length === 0) return holder
  const own = files.map((file) => ({ ...file, sha256: Uint8Array.from(file.sha256), sm3: Uint8Array.from(file.sm3) }))
  return { ...holder, licence: { ...holder.licence, files: own } }
}

const nothing = new Uint8Array(0)
