/** Another writer is ahead, or was. Stop, reload from the store, never continue with what is in memory. */
export class StaleWriterError extends Error {
  override readonly name = 'StaleWriterError'
  /** Where the other one was found: `<collection>/<key>` of a document, or the name of a position. */
  readonly place: string
  /** The term found there; undefined where only the version gave it away. */
  readonly storedTerm: bigint | undefined

  constructor(message: string, facts: { readonly place: string; readonly storedTerm?: bigint }) {
    super(message)
    this.place = facts.place
    this.storedTerm = facts.storedTerm
  }
}

/** The store cannot answer now: busy, unreachable. Nothing is known to be damaged; try again, with a bound. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
}

/** No space is left. Nothing was damaged; when there is space again the same call succeeds without repair. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError'
}

/**
 * The disk said a write failed, or the file is damaged. What is durable is unknown in this process from now on, and
 * every further call gets this error: end the process; a new one finds out by reading.
 */
export class StoreBrokenError extends Error {
  override readonly name = 'StoreBrokenError'
}

/** The file is not one this program can use: written by a newer version, or not a store at all. Do not start. */
export class StoreFormatError extends Error {
  override readonly name = 'StoreFormatError'
}

/** The store was closed before this call. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError'

  constructor() {
    super('the store is closed')
  }
}
