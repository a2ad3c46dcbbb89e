import { entryOf, sealBatch } from '@hutong/batch'
import type { Charter, CharterKey } from '@hutong/licence'
import {
  cosign,
  type Edge,
  emptyEdge,
  formatPolicy,
  formatVkey,
  type NoteSigner,
  noteSigner,
  openNote,
  quorumSize,
  verifierKey,
} from '@hutong/merkle'
import { generateKey, type Signer, type Suite, sha256, signerFromPem } from '@hutong/signing'
import { type Batch, charterToBytes } from '@hutong/wire'

/** For tests and benches: a small alliance with real keys, whose zones seal real batches. */
export interface Alliance {
  readonly charter: Uint8Array
  readonly hubOrigin: string
  readonly hubSigners: readonly NoteSigner[]
  /** The hub's keys as PEM, in the order of `hubSigners`. */
  readonly hubKeys: readonly string[]
  readonly zones: readonly string[]
  publisher(zone: string): Publisher
  /** The head's note with the zone's cosignature. */
  cosigned(zone: string, note: Uint8Array, timeMs: number): Uint8Array
  cosignerName(zone: string): string
}

/** One zone's log as its publisher holds it. */
export interface Publisher {
  readonly origin: string
  readonly edge: Edge
  /** Seals the next batch of `count` events. */
  seal(
    count: number,
    loggedAtMs: number,
    options?: { readonly subject?: Uint8Array; readonly payload?: Uint8Array },
  ): Batch
  /** A publisher with the same keys that stands where this one stood before: an older copy, or a thief. */
  fork(): Publisher
}

export interface AllianceOptions {
  readonly zones?: readonly string[]
  readonly suite?: Suite
  /** Default: what the number of zones asks for; 0: `quorum none`. */
  readonly quorum?: number
}

const alliancePayloadBytes = 300

/** Keys are made anew each time: nothing secret lies in the repository. */
export function createAlliance(options: AllianceOptions = {}): Alliance {
  const { zones = ['beijing', 'tianjin', 'langfang'], suite = 'SM2-SM3' } = options
  const quorum = options.quorum ?? quorumSize(zones.length)
  const name = 'test.hutong.example'
  const hubOrigin = `${name}/h/1`
  const originOf = (zone: string) => `${name}/z/${zone}/1`
  const logSigners = (origin: string) => suitesOf(suite).map((one) => noteSigner(origin, newSigner(one)))
  const hubKeys = suitesOf(suite).map((one) => generateKey(one).privateKeyPem)
  const hubSigners = hubKeys.map((pem) => noteSigner(hubOrigin, signerFromPem(pem)))
  const zoneSigners = new Map(zones.map((zone) => [zone, logSigners(originOf(zone))]))
  const cosigners = new Map(zones.map((zone) => [zone, { name: `${name}/w/${zone}`, signer: newSigner('Ed25519') }]))
  const admin = noteSigner(`${name}/a/admin`, newSigner('Ed25519'))
  const cosignerKeys = [...cosigners].map(([zone, { name: keyName, signer }]) => ({
    zone,
    key: verifierKey(keyName, signer.publicKey, { cosignature: true }),
  }))
  const key = (signer: Pick<NoteSigner, 'key'>, role: CharterKey['role'], owner: string): CharterKey => ({
    vkey: formatVkey(signer.key),
    role,
    owner,
    acceptedFrom: 0n,
    retiredAt: undefined,
    compromisedFrom: undefined,
  })
  const charter: Charter = {
    number: 0n,
    previousSha256: new Uint8Array(),
    alliance: name,
    nameZh: '测试联盟',
    nameEn: 'a test',
    demonstration: true,
    zones: zones.map((id, at) => ({
      id,
      nameZh: id,
      nameEn: id,
      region: `11000${at}`,
      certificateAuthorities: [],
      authorities: [],
    })),
    logs: [
      { origin: hubOrigin, owner: 'hub', suite },
      ...zones.map((zone) => ({ origin: originOf(zone), owner: zone, suite })),
    ],
    keys: [
      ...hubSigners.map((signer) => key(signer, 'log', 'hub')),
      ...zones.flatMap((zone) => zoneSigners.get(zone)!.map((signer) => key(signer, 'log', zone))),
      ...cosignerKeys.map(({ zone, key: cosigner }) => key({ key: cosigner }, 'cosigner', zone)),
      key(admin, 'admin', 'hub'),
    ],
    witnessPolicy: formatPolicy(
      hubSigners.map((signer) => signer.key),
      cosignerKeys.map(({ zone, key: cosigner }) => ({ name: zone, key: cosigner })),
      quorum,
    ),
    auditors: [],
    adminThreshold: 1,
    heartbeatMs: 60_000,
    maxClockOffsetMs: 60_000,
    freshMs: 300_000,
    usableMs: 86_400_000,
    declarationLeadMs: 0,
    declarationMinimumMs: 0,
  }
  return {
    charter: charterToBytes(charter),
    hubOrigin,
    hubSigners,
    hubKeys,
    zones,
    publisher: (zone) => createPublisher(originOf(zone), zoneSigners.get(zone)!, emptyEdge),
    cosignerName: (zone) => cosigners.get(zone)!.name,
    cosigned(zone, note, timeMs) {
      const opened = openNote(
        note,
        hubSigners.map((signer) => signer.key),
      )
      if (opened.kind === 'refused') throw new RangeError(opened.reason)
      const { name: keyName, signer } = cosigners.get(zone)!
      return Buffer.concat([note, Buffer.from(`${cosign(opened.text, keyName, signer, Math.floor(timeMs / 1000))}\n`)])
    },
  }
}

function createPublisher(origin: string, signers: readonly NoteSigner[], from: Edge): Publisher {
  let edge = from
  return {
    origin,
    get edge() {
      return edge
    },
    seal(count, loggedAtMs, options = {}) {
      const firstIndex = edge.size
      const entries = Array.from({ length: count }, (_, at) => {
        const index = firstIndex + BigInt(at)
        const salt = sha256(Buffer.from(`salt ${origin} ${index}`))
        const payload = options.payload ?? Buffer.alloc(alliancePayloadBytes, `${origin} ${index} `)
        const subject = options.subject ?? sha256(Buffer.from(`subject ${origin} ${index}`))
        return entryOf({ index, kind: 1, loggedAtMs, subject, previous: 0n, payload, salt })
      })
      const sealed = sealBatch({ origin, edge, entries, signers })
      edge = sealed.edge
      return { origin, firstIndex, entries, checkpoint: sealed.checkpoint }
    },
    fork: () => createPublisher(origin, signers, edge),
  }
}

function suitesOf(suite: Suite): readonly Suite[] {
  return suite === 'Ed25519' ? [suite] : [suite, 'Ed25519']
}

function newSigner(suite: Suite): Signer {
  return signerFromPem(generateKey(suite).privateKeyPem)
}
