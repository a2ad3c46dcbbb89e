import type { Readable } from 'node:stream'

/**
 * The requests of a client stream or a bidirectional stream, one at a time, at the pace of who iterates: grpc-js reads
 * ahead at most 16 messages, then the caller's window closes. Written by hand because the stream's own iterator would
 * close the answering half when the route stops reading, and never end when the call is cancelled.
 */
export class IncomingRequests {
  readonly #stream: Readable
  readonly #gone: AbortSignal
  #ended = false
  #cut = false
  #failure: unknown
  #wake: () => void = () => {}

  constructor(stream: Readable, gone: AbortSignal) {
    this.#stream = stream
    this.#gone = gone
    const wake = () => this.#wake()
    stream.on('readable', wake)
    stream.on('close', wake)
    gone.addEventListener('abort', wake)
    stream.on('end', () => {
      this.#ended = true
      wake()
    })
    stream.on('error', (error) => {
      this.#failure = error
      wake()
    })
  }

  /** Whether requests may have been lost to `cut`: then the call must not end with OK. */
  get wasCut(): boolean {
    return this.#cut
  }

  /** Takes no more from the caller. The iteration ends as if the caller had finished. */
  cut(): void {
    if (this.#ended) return
    this.#cut = true
    this.#wake()
  }

  /**
   * @throws the signal's reason when the caller is gone: an end would look as if it had said all it had to say.
   */
  async *decoded<Request>(decode: (bytes: Buffer) => Request): AsyncGenerator<Request> {
    while (!this.#cut) {
      this.#gone.throwIfAborted()
      const bytes: Buffer | null = this.#stream.read()
      if (bytes !== null) yield decode(bytes)
      else if (this.#failure !== undefined) throw this.#failure
      else if (this.#ended) return
      else await this.#change()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
