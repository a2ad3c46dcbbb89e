import { foldSubject, type Question, type ReadEvent, type SubjectFold, type Trust } from '@hutong/verify'

/** Kinds from here on are informative: they never touch a state (formats F5). */
const firstInformativeKind = 128
/** Kinds of declarations of recognition (formats F5). */
const firstDeclarationKind = 40
const firstKindAfterDeclarations = 80

/**
 * The events that one question can rest on, gathered as they are read: those that name the licence, those of the receiving zone that name
 * a declaration, and all that may yet turn out to be about either, because they cannot be read or do not match their leaf.
 */
export class QuestionBook {
  readonly #subjectString: string
  readonly #receivingZone: string
  readonly #events: ReadEvent[] = []

  constructor({ identifier, receivingZone }: Question) {
    this.#subjectString = identifier.subjectString
    this.#receivingZone = receivingZone
  }

  /** Takes the next event in the order of H. */
  take(event: ReadEvent): void {
    if (event.leaf.kind < firstInformativeKind && this.#matters(event)) this.#events.push(event)
  }

  /** The fold of the licence in a zone's log; undefined where nothing in it names the licence and matches its leaf. */
  licence(zone: string, trust: Trust): SubjectFold | undefined {
    const subject = this.#primarySubject(zone, this.#subjectString)
    return subject === undefined ? undefined : this.#fold(zone, subject, trust)
  }

  /** The folds of all declarations of the receiving zone, in the order of their first leaves. */
  declarations(trust: Trust): readonly SubjectFold[] {
    const declaring = this.#events.filter(
      ({ kept, leaf }) =>
        kept.zone === this.#receivingZone &&
        leaf.kind >= firstDeclarationKind &&
        leaf.kind < firstKindAfterDeclarations,
    )
    const subjects = new Set(declaring.map(({ subject }) => subject))
    return [...subjects].map((subject) => this.#fold(this.#receivingZone, subject, trust))
  }

  #matters({ kept, leaf, reading }: ReadEvent): boolean {
    if (reading.kind !== 'read' || !reading.subjectMatches || reading.subjectString === undefined) return true
    if (reading.subjectString === this.#subjectString) return true
    if (kept.zone !== this.#receivingZone) return false
    // Leaf, payload and name may contradict each other. A declaration's id has no dot, a licence's identifier has.
    const isLicence = leaf.kind < firstDeclarationKind && reading.payload.event.kind.startsWith('licence_')
    return !isLicence || !reading.subjectString.includes('.')
  }

  /** The subject of the first event that names the string and matches its leaf. */
  #primarySubject(zone: string, subjectString: string): string | undefined {
    return this.#events.find(
      ({ kept, reading }) =>
        kept.zone === zone &&
        reading.kind === 'read' &&
        reading.subjectMatches &&
        reading.subjectString === subjectString,
    )?.subject
  }

  #fold(zone: string, subject: string, trust: Trust): SubjectFold {
    const about = this.#events.filter(({ kept, subject: own, reading }) => {
      if (kept.zone !== zone) return false
      if (own === subject) return true
      if (reading.kind !== 'read' || reading.subjectString === undefined) return false
      return this.#primarySubject(zone, reading.subjectString) === subject
    })
    const primarySubject = (subjectString: string) => this.#primarySubject(zone, subjectString)
    return foldSubject(zone, subject, about, { trust, primarySubject })
  }
}
