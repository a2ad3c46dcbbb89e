import type { Charter, CharterKey, SuiteName, Zone } from '@hutong/licence'
import { parsePolicy, parseVkey, type VerifierKey } from '@hutong/merkle'
import { type Refused, refused } from './refused.ts'

/**
 * A charter with its keys parsed and its rules held: what every question of trust is asked of. Made once for each charter.
 */
export interface CharterView {
  readonly charter: Charter
  readonly zones: ReadonlyMap<string, Zone>
  /** By origin. */
  readonly logs: ReadonlyMap<string, LogView>
  readonly hub: LogView
  /** The cosigners that the quorum is taken from, with the zone that owns each. */
  readonly witnesses: readonly KeyView[]
  readonly admins: readonly KeyView[]
  /** Cosignatures of so many different witnesses make a quorum; 0: the policy asks for none, and nothing is ever witnessed. */
  readonly quorum: number
}

export interface LogView {
  readonly origin: string
  /** Zone id, or `hub`. */
  readonly owner: string
  readonly suite: SuiteName
  readonly keys: readonly KeyView[]
}

export interface KeyView {
  readonly key: VerifierKey
  /** `<name>+<8 hex>`: how a stored event names the key that signed it. */
  readonly id: string
  readonly entry: CharterKey
}

/** `<name>+<8 hex of the key id>`. */
export function keyIdentity(key: Pick<VerifierKey, 'name' | 'keyId'>): string {
  return `${key.name}+${key.keyId.toString(16).padStart(8, '0')}`
}

/**
 * Reads what a charter says about trust and holds it to the rules of formats F3, F12, F14: one public key once, in one role, for one
 * owner; no two equal (name, key id); for every log a key of the deciding suite and, as tlog-tiles asks, one of Ed25519; a quorum whose
 * witnesses are the charter's cosigners.
 */
export function viewCharter(charter: Charter): CharterView | Refused {
  const keys = readKeys(charter)
  if ('kind' in keys) return keys
  if (charter.alliance === '' || charter.alliance.startsWith('hutong/')) {
    return refused('CHARTER_ALLIANCE', 'charter: an alliance is named, and no origin may begin with hutong/')
  }
  const zones = new Map(charter.zones.map((zone) => [zone.id, zone]))
  if (!charter.zones.every(({ id }) => zoneId.test(id))) {
    return refused('CHARTER_ZONES', 'charter: a zone id is not a small letter and up to 31 small letters and digits')
  }
  if (zones.has('hub')) return refused('CHARTER_ZONES', 'charter: no zone is called hub')
  if (zones.size !== charter.zones.length) return refused('CHARTER_ZONES', 'charter: a zone id stands twice')
  const logs = readLogs(charter, keys, zones)
  if ('kind' in logs) return logs
  const hub = [...logs.values()].find((log) => log.owner === 'hub')
  if (hub === undefined) return refused('CHARTER_LOGS', 'charter: no log of the hub')
  const cosigners = keys.filter(({ entry }) => entry.role === 'cosigner')
  const admins = keys.filter(({ entry }) => entry.role === 'admin')
  const quorum = readQuorum(charter, cosigners)
  if ('kind' in quorum) return quorum
  if (charter.adminThreshold < 1 || charter.adminThreshold > new Set(admins.map(({ entry }) => entry.owner)).size) {
    return refused('CHARTER_ADMINS', 'charter: the admin threshold is not between 1 and the number of admins')
  }
  if (charter.freshMs > charter.usableMs) return refused('CHARTER_LIMITS', 'charter: T1 is above T2')
  return { charter, zones, logs, hub, admins, ...quorum }
}

/**
 * Ids in these characters can be put into keys `<zone>/<subject>` and keep the order of (zone, subject) that the state digest has
 * (formats F15).
 */
const zoneId = /^[a-z][a-z0-9]{0,31}$/

function readKeys(charter: Charter): readonly KeyView[] | Refused {
  const views: KeyView[] = []
  const materials = new Set<string>()
  const identities = new Set<string>()
  for (const entry of charter.keys) {
    const parsed = parseVkey(entry.vkey)
    if (parsed.kind === 'refused') return refused('CHARTER_KEYS', `charter: ${parsed.reason}`)
    const { key } = parsed
    if ((entry.role === 'cosigner') !== (key.type === 'cosignature')) {
      return refused('CHARTER_KEYS', `charter: ${key.name} is of a type that does not fit its role`)
    }
    const id = keyIdentity(key)
    const material = Buffer.from(key.publicKey.bytes).toString('hex')
    if (materials.has(material)) return refused('CHARTER_KEYS', `charter: the public key of ${key.name} stands twice`)
    if (identities.has(id)) return refused('CHARTER_KEYS', `charter: two keys are called ${id}`)
    materials.add(material)
    identities.add(id)
    views.push({ key, id, entry })
  }
  return views
}

function readLogs(
  charter: Charter,
  keys: readonly KeyView[],
  zones: ReadonlyMap<string, Zone>,
): ReadonlyMap<string, LogView> | Refused {
  const logs = new Map<string, LogView>()
  // Until epochs are followed, a second log beside the first would be another story about the same licences.
  if (new Set(charter.logs.map(({ owner }) => owner)).size !== charter.logs.length) {
    return refused('CHARTER_LOGS', 'charter: an owner has two logs')
  }
  for (const { origin, owner, suite } of charter.logs) {
    if (owner !== 'hub' && !zones.has(owner)) return refused('CHARTER_LOGS', `charter: ${origin} belongs to no zone`)
    const letter = owner === 'hub' ? `${charter.alliance}/h/` : `${charter.alliance}/z/${owner}/`
    if (!origin.startsWith(letter) || !/^[1-9][0-9]{0,8}$/.test(origin.slice(letter.length))) {
      return refused('CHARTER_LOGS', `charter: ${origin} is not ${letter}<epoch>`)
    }
    const own = keys.filter(({ key, entry }) => entry.role === 'log' && key.name === origin)
    if (own.some(({ entry }) => entry.owner !== owner)) {
      return refused('CHARTER_KEYS', `charter: a key of ${origin} belongs to another owner`)
    }
    if (!own.some(({ key }) => key.publicKey.suite === suite)) {
      return refused('CHARTER_KEYS', `charter: ${origin} has no key of its deciding suite ${suite}`)
    }
    if (!own.some(({ key }) => key.publicKey.suite === 'Ed25519')) {
      return refused('CHARTER_KEYS', `charter: ${origin} has no Ed25519 key`)
    }
    logs.set(origin, { origin, owner, suite, keys: own })
  }
  const stray = keys.find(({ key, entry }) => entry.role === 'log' && !logs.has(key.name))
  if (stray !== undefined) return refused('CHARTER_KEYS', `charter: ${stray.id} is the key of no log`)
  return logs
}

/** The policy must be one group of cosigners, one cosigner, or `quorum none`: then "the q-th newest cosignature" has a meaning. */
function readQuorum(
  charter: Charter,
  cosigners: readonly KeyView[],
): { readonly witnesses: readonly KeyView[]; readonly quorum: number } | Refused {
  const parsed = parsePolicy(charter.witnessPolicy)
  if (parsed.kind === 'refused') return refused('CHARTER_POLICY', `charter: ${parsed.reason}`)
  const { quorum } = parsed
  if (quorum.kind === 'none') return { witnesses: [], quorum: 0 }
  const members = quorum.kind === 'witness' ? [quorum] : quorum.members
  const witnesses = members.map((member) =>
    member.kind === 'witness' ? cosigners.find(({ id }) => id === keyIdentity(member.key)) : undefined,
  )
  if (!witnesses.every((witness) => witness !== undefined)) {
    return refused('CHARTER_POLICY', 'charter: the quorum is not one group of cosigners of the charter')
  }
  const threshold = quorum.kind === 'witness' ? 1 : quorum.threshold
  const owners = new Set(witnesses.map(({ entry }) => entry.owner)).size
  if (threshold > owners || 2 * threshold <= owners) {
    return refused('CHARTER_POLICY', `charter: ${threshold} of ${owners} witnesses are no quorum`)
  }
  return { witnesses, quorum: threshold }
}
