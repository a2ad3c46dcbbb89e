import type { Verdict } from '@hutong/licence'
import { type Document, keyFromIndex, type Position, raiseTerm, type Store, step } from '@hutong/store'
import { encodeVerdict } from '@hutong/wire'

/** Verdicts that wait to be entered at most; one more is not kept, so not shown. */
const waitingMax = 1024
/** Verdicts entered in one step. */
const groupMax = 256

/** A verdict about to be shown, and to whom. */
export interface Entering {
  readonly verdict: Verdict
  readonly asker: string
}

/** More verdicts wait than the store takes in. */
class RegisterFullError extends Error {
  override readonly name = 'RegisterFullError'
}

interface Waiting extends Entering {
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: unknown) => void
}

/**
 * The register of a counter: numbers from 1, none twice. Those who wait while one step is written go together in the next.
 *
 * - `verdicts/<number>`: the verdict as shown
 * - `access/<number>`: who asked, when, for which matter, and the word; no person and no licence number
 */
export class Register implements AsyncDisposable {
  readonly #store: Store
  readonly #zone: string
  readonly #waiting: Waiting[] = []
  #position: Position | undefined
  #running: Promise<void> | undefined
  #closed = false

  private constructor(store: Store, zone: string, position: Position) {
    this.#store = store
    this.#zone = zone
    this.#position = position
  }

  static async open(store: Store, zone: string): Promise<Register> {
    return new Register(store, zone, await raiseTerm(store, registerPosition, registerValue(1n)))
  }

  /** The number the next verdict gets. */
  get next(): bigint {
    return this.#position === undefined ? 1n : nextOf(this.#position)
  }

  /**
   * Numbers a verdict and keeps it; durable on return.
   * @throws {RegisterFullError} too many wait already.
   * @throws what the store throws: whether it was kept is then unknown, and its number is not shown to anybody.
   */
  enter(entering: Entering): Promise<Verdict> {
    if (this.#closed || this.#waiting.length >= waitingMax) {
      return Promise.reject(new RegisterFullError(`${this.#waiting.length} verdicts wait to be kept`))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...entering, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, groupMax)
      try {
        const verdicts = await this.#enterGroup(group)
        for (const [at, { resolve }] of group.entries()) resolve(verdicts[at]!)
      } catch (error) {
        // What the store holds now is the truth: read before the next step.
        this.#position = undefined
        for (const { reject } of group) reject(error)
      }
    }
    this.#running = undefined
  }

  async #enterGroup(group: readonly Entering[]): Promise<readonly Verdict[]> {
    this.#position ??= await raiseTerm(this.#store, registerPosition, registerValue(1n))
    const { term, version } = this.#position
    const first = nextOf(this.#position)
    const verdicts = group.map(({ verdict }, at) => ({
      ...verdict,
      receiptNumber: `${this.#zone}-${first + BigInt(at)}`,
    }))
    const documents = verdicts.flatMap((verdict, at) =>
      documentsOf(first + BigInt(at), verdict, group[at]!.asker, term),
    )
    const next = { term, value: registerValue(first + BigInt(group.length)) }
    if (!(await step(this.#store, documents, registerPosition, version, next))) {
      throw new Error('another counter writes to this store')
    }
    this.#position = { ...next, version: version + 1n }
    return verdicts
  }
}

const registerPosition = 'counter'

function documentsOf(number: bigint, verdict: Verdict, asker: string, term: bigint): Document[] {
  const key = keyFromIndex(number)
  const { findings, checkedAtMs, receiptNumber } = verdict
  const { matter, word, code, receivingZone, issuingZone, position } = findings
  const access = {
    receiptNumber,
    asker,
    checkedAtMs,
    matter,
    word,
    code,
    receivingZone,
    issuingZone,
    position: `${position}`,
  }
  return [
    { collection: 'verdicts', key, term, value: encodeVerdict(verdict) },
    { collection: 'access', key, term, value: Buffer.from(JSON.stringify(access)) },
  ]
}

function registerValue(next: bigint): Uint8Array {
  return Buffer.from(JSON.stringify({ format: 1, next: `${next}` }))
}

function nextOf({ value }: Position): bigint {
  const stored = JSON.parse(Buffer.from(value).toString('utf8')) as { format: number; next: string }
  if (stored.format !== 1) throw new Error(`the counter's register was written in format ${stored.format}`)
  return BigInt(stored.next)
}
