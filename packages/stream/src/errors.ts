/** The stream cannot answer now. Try again, with a bound. */
export class StreamUnavailableError extends Error {
  override readonly name = 'StreamUnavailableError'
}

/** No space is left. Nothing was damaged; when there is space again the same call succeeds. */
export class StreamFullError extends Error {
  override readonly name = 'StreamFullError'
}

/** The disk said a write failed, or the file is damaged: end the process; a new one finds out by reading. */
export class StreamBrokenError extends Error {
  override readonly name = 'StreamBrokenError'
}

/** The file was written by a newer version, or is no stream. Do not start. */
export class StreamFormatError extends Error {
  override readonly name = 'StreamFormatError'
}

/** This end of the stream, or the stream itself, was closed before the call. */
export class StreamClosedError extends Error {
  override readonly name = 'StreamClosedError'

  constructor() {
    super('the stream is closed')
  }
}

/** The offset asked for lies above the end: forget the offset, read the history elsewhere and start at `earliest()`. */
export class StreamRewoundError extends Error {
  override readonly name = 'StreamRewoundError'
  readonly from: bigint
  readonly end: bigint

  constructor(from: bigint, end: bigint) {
    super(`offset ${from} was asked for, the stream ends at ${end}: it is not the one that offset came from`)
    this.from = from
    this.end = end
  }
}
