import { emptyEdge, type NoteSigner, noteSigner } from '@hutong/merkle'
import { generateKey, type Suite, signerFromPem } from '@hutong/signing'
import type { Batch, Entry } from '@hutong/wire'
import type { AdmissionClock, KnownLog, LogKeys } from './admit-batch.ts'
import { entryOf } from './entry.ts'
import { sealBatch } from './seal-batch.ts'

// For tests: a log of one zone, its keys, and batches that continue it.

export const origin = 'jjj.hutong.example/z/tianjin/1'
export const startMs = 1_795_507_200_000
export const clock: AdmissionClock = { nowMs: startMs + 1_000, maxClockOffsetMs: 60_000 }
export const emptyLog: KnownLog = { origin, edge: emptyEdge, newestLoggedAtMs: 0 }

/** A signer of its own for each suite, under the log's name. */
export const signers: Readonly<Record<Suite, NoteSigner>> = {
  'SM2-SM3': newSigner('SM2-SM3'),
  'ECDSA-P256': newSigner('ECDSA-P256'),
  Ed25519: newSigner('Ed25519'),
}

export function newSigner(suite: Suite, name: string = origin): NoteSigner {
  return noteSigner(name, signerFromPem(generateKey(suite).privateKeyPem))
}

/** What a log that this suite decides signs with: its line, and always one of Ed25519. */
export function signersOf(suite: Suite): NoteSigner[] {
  return suite === 'Ed25519' ? [signers.Ed25519] : [signers[suite], signers.Ed25519]
}

export function keysOf(decides: Suite): LogKeys {
  return { accepted: signersOf(decides).map((signer) => signer.key), decides }
}

export function newEntries(count: number, firstIndex = 0n, loggedAtMs: number = startMs): Entry[] {
  return Array.from({ length: count }, (_, at) => {
    const index = firstIndex + BigInt(at)
    return entryOf({
      index,
      kind: 1,
      loggedAtMs: loggedAtMs + at,
      subject: new Uint8Array(32).fill(Number(index % 251n)),
      previous: 0n,
      payload: new TextEncoder().encode(`payload of event ${index}, which nobody decodes here. `.repeat(6)),
      salt: new Uint8Array(32).fill(7),
    })
  })
}

/** A sealed batch that continues a log. */
export function newBatch(count: number, suite: Suite = 'SM2-SM3', known: KnownLog = emptyLog): Batch {
  return sealed(newEntries(count, known.edge.size), signersOf(suite), known)
}

export function sealed(entries: readonly Entry[], by: readonly NoteSigner[], known: KnownLog = emptyLog): Batch {
  const { checkpoint } = sealBatch({ origin, edge: known.edge, entries, signers: by })
  return { origin, firstIndex: known.edge.size, entries, checkpoint }
}
