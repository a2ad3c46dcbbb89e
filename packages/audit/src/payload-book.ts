import type { ReadEvent } from '@hutong/verify'
import { maxNamedPayloads, type PayloadFinding } from './report.ts'

/** Which payloads cannot be read: how many, and the first of them by name. */
export class PayloadBook {
  #missing = 0n
  #mismatched = 0n
  readonly #named: PayloadFinding[] = []

  take({ kept, reading }: ReadEvent, saidRedacted: boolean): void {
    if (reading.kind !== 'missing' && reading.kind !== 'mismatch') return
    if (reading.kind === 'missing') this.#missing++
    else this.#mismatched++
    if (this.#named.length >= maxNamedPayloads) return
    const { origin, index, position } = kept
    if (position === undefined) throw new RangeError('an event out of H has a position')
    this.#named.push({ kind: reading.kind, eventId: `${origin}/${index}`, position, saidRedacted })
  }

  get missing(): bigint {
    return this.#missing
  }

  get mismatched(): bigint {
    return this.#mismatched
  }

  get named(): readonly PayloadFinding[] {
    return this.#named
  }
}
