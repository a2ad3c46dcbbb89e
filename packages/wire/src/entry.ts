import type { Entry as WireEntry } from '@hutong/proto/batch'
import { asBuffer, asBytes } from './bytes.ts'

/** One event as it travels: the leaf, and what opens its commitment. Bytes as the zone serialised them. */
export interface Entry {
  /** Bytes of one leaf. */
  readonly leaf: Uint8Array
  /** 32 bytes; empty where the payload is not given. */
  readonly salt: Uint8Array
  /** Bytes of one payload; empty where it is not given. */
  readonly payload: Uint8Array
  /** 0 plain; 1 reserved for payloads sealed to their recipients. */
  readonly payloadEncoding: number
}

/** An entry out of its wire form, without copying. */
export function entryFromWire({ leaf, salt, payload, payloadEncoding }: WireEntry): Entry {
  return { leaf: asBytes(leaf), salt: asBytes(salt), payload: asBytes(payload), payloadEncoding }
}

/** An entry in wire form, without copying. */
export function entryToWire({ leaf, salt, payload, payloadEncoding }: Entry): WireEntry {
  return { leaf: asBuffer(leaf), salt: asBuffer(salt), payload: asBuffer(payload), payloadEncoding }
}
