import { type AsOf, type CouldNotLookCode, couldNotLook, type Refusal, type Verdict } from '@hutong/licence'
import { keyFromIndex, type Store } from '@hutong/store'
import { decodeVerdict } from '@hutong/wire'
import { Register } from './register.ts'

/** What a clerk asks. */
export interface CounterQuestion {
  readonly identifier: string
  readonly matter: string
  /** The presenter's number, where one was given. */
  readonly holderCode: string | undefined
  /** Undefined: about now. */
  readonly asOf: AsOf | undefined
}

/** The zone's verifier as a counter needs it. */
export interface CounterVerifier {
  /** @throws {VerifierAwayError} it gave no answer that can be understood. */
  verify(
    question: CounterQuestion,
  ): Promise<
    { readonly kind: 'verdict'; readonly verdict: Verdict } | { readonly kind: 'refused'; readonly refusal: Refusal }
  >
}

/** The verifier did not answer, or not in a way that can be understood: nothing is known about the licence. */
export class VerifierAwayError extends Error {
  override readonly name = 'VerifierAwayError'
}

/** What became of a question: a verdict as shown, or why there is none (a number that is none). */
export type CounterAnswer =
  | { readonly kind: 'shown'; readonly verdict: Verdict }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export interface CounterOptions {
  readonly zone: string
  readonly store: Store
  readonly verifier: CounterVerifier
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly tell: (fact: string, details: Readonly<Record<string, unknown>>) => void
}

/**
 * The window of a receiving zone: asks the verifier, numbers and keeps what it is about to show, and only then shows it. It computes
 * nothing, and whatever fails on the way becomes UNDETERMINED: never "invalid", never an error page.
 */
export class Counter implements AsyncDisposable {
  readonly #options: CounterOptions
  readonly #register: Register

  private constructor(options: CounterOptions, register: Register) {
    this.#options = options
    this.#register = register
  }

  /** @throws whatever the store throws when it cannot be opened. */
  static async open(options: CounterOptions): Promise<Counter> {
    return new Counter(options, await Register.open(options.store, options.zone))
  }

  /** Asks for a verdict on behalf of `asker`, a role or name as the transport proved it. */
  async ask(question: CounterQuestion, asker: string): Promise<CounterAnswer> {
    const answer = await this.#verdict(question)
    if (answer.kind === 'refused') return answer
    try {
      return { kind: 'shown', verdict: await this.#register.enter({ verdict: answer.verdict, asker }) }
    } catch (error) {
      // What cannot be kept is not shown: a verdict nobody can look up later would be worth nothing in a dispute.
      this.#options.tell('a verdict could not be kept', { err: error })
      return { kind: 'shown', verdict: this.#undetermined(question, 'STORE_AWAY') }
    }
  }

  /** The verdict as it was shown under this receipt number; undefined where there is none. @throws what the store throws. */
  async shown(receiptNumber: string): Promise<Verdict | undefined> {
    const number = numberOfReceipt(receiptNumber, this.#options.zone)
    if (number === undefined || number >= this.#register.next) return undefined
    const kept = await this.#options.store.get('verdicts', keyFromIndex(number))
    if (kept === undefined) return undefined
    const reading = decodeVerdict(kept.value)
    if (reading.kind !== 'verdict') throw new Error(`verdicts/${kept.key} is not understood: ${reading.why}`)
    return reading.verdict
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#register[Symbol.asyncDispose]()
  }

  async #verdict(question: CounterQuestion): ReturnType<CounterVerifier['verify']> {
    try {
      return await this.#options.verifier.verify(question)
    } catch (error) {
      this.#options.tell('the verifier gave no answer', { err: error })
      return { kind: 'verdict', verdict: this.#undetermined(question, 'VERIFIER_AWAY') }
    }
  }

  #undetermined(question: CounterQuestion, code: CouldNotLookCode): Verdict {
    const asked = { ...question, receivingZone: this.#options.zone, policy: noPolicy }
    return { findings: couldNotLook(asked, 0n, code), checkedAtMs: this.#options.clock(), receiptNumber: '' }
  }
}

/** Which policy is the verifier's to say. */
const noPolicy = { name: '', version: 0 }

function numberOfReceipt(receiptNumber: string, zone: string): bigint | undefined {
  const prefix = `${zone}-`
  const number = receiptNumber.startsWith(prefix) ? receiptNumber.slice(prefix.length) : ''
  return /^[1-9][0-9]{0,14}$/.test(number) ? BigInt(number) : undefined
}
