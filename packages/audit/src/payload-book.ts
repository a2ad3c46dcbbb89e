import type { ReadEvent } from '@hutong/verify'
import { maxNamedPayloads, type PayloadFinding } from './report.ts'

/** Which payloads cannot be read: how many, and the first of them by name. */
export class PayloadBook {
  #missing: bigint
  #mismatched: bigint
  readonly #named: PayloadFinding[]

  constructor(kept: KeptPayloads = { missing: '0', mismatched: '0', named: [] }) {
    this.#missing = BigInt(kept.missing)
    this.#mismatched = BigInt(kept.mismatched)
    this.#named = kept.named.map((finding) => ({ ...finding, position: BigInt(finding.position) }))
  }

  take({ kept, reading }: ReadEvent, saidRedacted: boolean): void {
    if (reading.kind !== 'missing' && reading.kind !== 'mismatch') return
    if (reading.kind === 'missing') this.#missing++
    else this.#mismatched++
    if (this.#named.length >= maxNamedPayloads) return
    const { origin, index, position } = kept
    if (position === undefined) throw new RangeError('an event out of H has a position')
    this.#named.push({ kind: reading.kind, eventId: `${origin}/${index}`, position, saidRedacted })
  }

  /** As plain data, for `constructor`. */
  keep(): KeptPayloads {
    const named = this.#named.map((finding) => ({ ...finding, position: String(finding.position) }))
    return { missing: String(this.#missing), mismatched: String(this.#mismatched), named }
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

/** What a payload book comes to, positions and counts as decimals. */
export interface KeptPayloads {
  readonly missing: string
  readonly mismatched: string
  readonly named: readonly (Omit<PayloadFinding, 'position'> & { readonly position: string })[]
}
