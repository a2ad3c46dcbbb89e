import { entryOf, sealBatch, subjectValue } from '@hutong/batch'
import {
  type Authority,
  type Charter,
  type CharterKey,
  type Event,
  type FileDigest,
  type Findings,
  identifierCheckCharacter,
  isCreditCode,
  kindNumber,
  type LicenceAmended,
  type LicenceCorrected,
  type LicenceIssued,
  type LicenceRenewed,
  type LicenceResumed,
  type LicenceRevoked,
  type LicenceSuspended,
  nextVersionOf,
  type RecognitionDeclared,
  type RecognitionWithdrawn,
  type Restated,
  type SuiteName,
  subjectStringOf,
  type Zone,
} from '@hutong/licence'
import {
  addSignatures,
  appendLeafHash,
  appendLeafHashes,
  cosign,
  type Edge,
  edgeRoot,
  emptyEdge,
  formatCheckpoint,
  formatPolicy,
  formatVkey,
  type NoteSigner,
  noteSigner,
  quorumSize,
  sha256Tree,
  signNote,
  verifierKey,
} from '@hutong/merkle'
import { generateKey, type Signer, sha256, signerFromPem } from '@hutong/signing'
import { charterToBytes, type Entry, type EntryRecord, encodeHubLeaf, encodePayload, type HubLeaf } from '@hutong/wire'
import { charterNoteText } from './trust.ts'
import { type Asked, WorldCopy } from './world-copy.ts'

export { type Asked, questionOf, WorldCopy } from './world-copy.ts'

/** How the alliance of a test is made. */
export interface WorldOptions {
  /** Zone ids; the witnesses too. */
  readonly zones?: readonly string[]
  /** The suite that decides for every log. */
  readonly suite?: SuiteName
  /** Cosignatures that make a quorum; 0 is `quorum none`. */
  readonly quorum?: number
  readonly admins?: readonly string[]
  readonly adminThreshold?: number
  /** What charter 0 says otherwise; called last. */
  readonly charter?: (charter: Charter) => Charter
  /** When it begins, milliseconds since 1970. */
  readonly startMs?: number
}

/** An event to be published as it should not be: whatever is named here is written instead of the truth. */
export interface Twisted {
  readonly event: Event
  /** Number of the kind in the leaf. */
  readonly kind?: number
  /** Subject in the leaf. */
  readonly subject?: Uint8Array
  /** Secret in the payload; the leaf's subject follows it. */
  readonly secret?: Uint8Array
  readonly previous?: bigint
  readonly loggedAtMs?: number
  /** Origin in the payload. */
  readonly origin?: string
  /** The leaf commits to these bytes instead of the event's. */
  readonly payload?: Uint8Array
  /** Bytes put after the payload before it is committed to: an unknown field. */
  readonly payloadSuffix?: Uint8Array
  /** Bytes put after the leaf: an unknown field, or another version (the last one counts nowhere: fields stand once). */
  readonly leafSuffix?: Uint8Array
  /** The whole leaf, rewritten. */
  readonly leaf?: (leaf: Uint8Array) => Uint8Array
  /** How the record of H carries it: without salt and payload, or with bytes that open nothing. */
  readonly carried?: 'missing' | 'damaged' | 'sealed'
}

/** Where a published event stands. */
export interface Published {
  readonly zone: string
  readonly origin: string
  readonly index: bigint
  readonly leafHash: Uint8Array
  /** Lower-case hex. */
  readonly subject: string
  /** H index of its batch. */
  readonly position: bigint
  readonly place: number
  /** The entry whole, as the zone sealed it, whatever the record carries. */
  readonly entry: Entry
}

/** The matter and type that everything in a world is about unless a test says otherwise. */
export const worldMatter = 'M-001'
export const worldLicenceType = '11100000000013338W011'
export const otherLicenceType = '11100000000013338W032'

/**
 * An alliance in memory for tests, benches and drills: real keys, real batches, a hub that keeps one log, and every kind of bad event
 * beside the good ones. No clock: time stands until `tick`. Only salts and secrets are not random, so that a story gives the same leaves.
 */
export class World {
  readonly alliance = 'test.hutong.example'
  readonly zones: readonly string[]
  readonly suite: SuiteName
  nowMs: number
  /** The whole of H, as `LogService.Read` would stream it. */
  readonly records: EntryRecord[] = []
  /** All charters, in order. */
  readonly charters: WorldCharter[] = []
  readonly #logs = new Map<string, WorldLog>()
  readonly #hub: WorldLog
  readonly #admins: readonly string[]
  #hubEdge: Edge = emptyEdge
  #salts = 0

  constructor(options: WorldOptions = {}) {
    const { zones = ['beijing', 'tianjin', 'langfang'], suite = 'SM2-SM3', startMs = Date.UTC(2026, 5, 1) } = options
    this.zones = zones
    this.suite = suite
    this.nowMs = startMs
    this.#admins = options.admins ?? ['admin-a', 'admin-b', 'admin-c']
    this.#hub = this.#newLog('hub', `${this.alliance}/h/1`)
    for (const zone of zones) this.#logs.set(zone, this.#newLog(zone, `${this.alliance}/z/${zone}/1`))
    const charter = this.#charterZero(options)
    this.#logCharter((options.charter ?? ((same) => same))(charter), new Uint8Array(0))
  }

  /** SHA-256 of charter 0: what everybody pins. */
  get pinnedSha256(): Uint8Array {
    return sha256(this.charters[0]!.bytes)
  }

  /** The newest charter. */
  get charter(): Charter {
    return this.charters.at(-1)!.charter
  }

  /** Leaves of H so far. */
  get size(): bigint {
    return this.#hubEdge.size
  }

  /** Moves every clock of the world on. */
  tick(milliseconds: number): void {
    this.nowMs += milliseconds
  }

  origin(zone: string): string {
    return this.#log(zone).origin
  }

  /** How many leaves a zone's log has. */
  logSize(zone: string): bigint {
    return this.#log(zone).edge.size
  }

  /** One event in a batch of its own. */
  publish(zone: string, event: Event | Twisted, options: BatchOptions = {}): Published {
    return this.publishBatch(zone, [event], options)[0]!
  }

  /** Seals the events as one batch of the zone's log and has the hub accept it, whatever they say. */
  publishBatch(zone: string, events: readonly (Event | Twisted)[], options: BatchOptions = {}): Published[] {
    const log = this.#log(zone)
    const position = this.size
    const written = events.map((event, at) => this.#write(log, asTwisted(event), log.edge.size + BigInt(at)))
    const entries = written.map(({ entry }) => entry)
    const signers = options.signers ?? log.signers
    const oldSize = log.edge.size
    const { checkpoint, edge } = written.every(({ sound }) => sound)
      ? sealBatch({ origin: log.origin, edge: log.edge, newestLoggedAtMs: log.loggedAtMs, entries, signers })
      : sealUnchecked(log, entries, signers)
    log.edge = edge
    log.loggedAtMs = Math.max(log.loggedAtMs, ...written.map(({ loggedAtMs }) => loggedAtMs))
    const root = edgeRoot(sha256Tree, edge)
    this.#append(
      { kind: 'batch', origin: log.origin, oldSize, newSize: edge.size, root, checkpoint },
      { entries: written.map(({ carried }) => carried) },
    )
    return written.map(({ entry, index, subject }, place) => ({
      zone,
      origin: log.origin,
      index,
      leafHash: sha256Tree.leaf(entry.leaf),
      subject: hex(subject),
      position,
      place,
      entry,
    }))
  }

  /** The heartbeat of a zone, with the hub's newest head. */
  observe(zone: string): Published {
    return this.publish(zone, { kind: 'observed', head: this.head() })
  }

  /** A change of the charter: number, hash and the admins' signatures are filled in. */
  changeCharter(
    change: (charter: Charter) => Charter,
    options: { readonly admins?: readonly string[]; readonly log?: boolean } = {},
  ): WorldCharter {
    const before = this.charters.at(-1)!
    const charter = change({
      ...before.charter,
      number: before.charter.number + 1n,
      previousSha256: sha256(before.bytes),
    })
    const bytes = charterToBytes(charter)
    const text = charterNoteText({ ...charter, sha256: sha256(bytes) })
    const admins = options.admins ?? this.#admins.slice(0, before.charter.adminThreshold)
    const note = signNote(
      text,
      admins.map((name) => this.adminSigner(name)),
    )
    if (options.log === false) return { position: this.size, charter, bytes, note }
    return this.#logCharter(charter, note)
  }

  /**
   * The zone's deciding key is found out: compromised from this index of its log, retired, and another takes its place. The zone signs
   * with the new one from now on.
   */
  compromise(zone: string, fromIndex: bigint): WorldCharter {
    const log = this.#log(zone)
    const old = formatVkey(log.signers[0]!.key)
    log.generation++
    log.signers = this.#logSigners(log)
    const position = this.size
    return this.changeCharter((charter) => ({
      ...charter,
      keys: [
        ...charter.keys.map((key) =>
          key.vkey === old ? { ...key, compromisedFrom: fromIndex, retiredAt: position + 1n } : key,
        ),
        charterKey(formatVkey(log.signers[0]!.key), 'log', zone, position + 1n),
      ],
    }))
  }

  /** The signers of a zone's log as they are: to sign with an old key later. */
  signers(zone: string): readonly NoteSigner[] {
    return this.#log(zone).signers
  }

  /** The hub-signed head of H as it is, or of an earlier size. */
  head(size: bigint = this.size): Uint8Array {
    return signNote(this.#headText(size), this.#hub.signers)
  }

  /** A head cosigned by these zones (all of them), each at its time (now). */
  cosignedHead(
    options: { readonly size?: bigint; readonly zones?: readonly string[]; readonly timesMs?: readonly number[] } = {},
  ): Uint8Array {
    const { size = this.size, zones = this.zones, timesMs = [] } = options
    const text = this.#headText(size)
    const lines = zones.map((zone, at) => {
      const seconds = Math.floor((timesMs[at] ?? this.nowMs) / 1000)
      return cosign(text, cosignerName(this.alliance, zone), keyOf(`cosigner ${zone}`, 'Ed25519'), seconds)
    })
    return addSignatures(signNote(text, this.#hub.signers), lines)
  }

  /** A copy that has followed all there is and holds the head cosigned by everybody now (none with `quorum none`). */
  copy(): WorldCopy {
    const copy = new WorldCopy(this.pinnedSha256)
    for (const record of this.records) {
      const followed = copy.take(record)
      if (followed.kind === 'refused') throw new RangeError(`${followed.code}: ${followed.reason}`)
    }
    copy.cosign(this.cosignedHead())
    return copy
  }

  /** What such a copy answers, now unless said otherwise. */
  ask(about: LicenceIssued | string, asked: Asked): Findings {
    return this.copy().ask(about, { ...asked, nowMs: asked.nowMs ?? this.nowMs })
  }

  adminSigner(name: string): NoteSigner {
    return noteSigner(`${this.alliance}/admin/${name}`, keyOf(`admin ${name}`, 'Ed25519'))
  }

  /** The signers of the hub's log. */
  get hubSigners(): readonly NoteSigner[] {
    return this.#hub.signers
  }

  /** The credit code of a zone's authority. */
  authority(zone: string): string {
    return authorityCode(this.zones.indexOf(zone))
  }

  /** A licence of the zone's authority, in force for decades; `serial` makes it another. */
  licence(zone: string, serial: string, changes: Partial<LicenceIssued> = {}): LicenceIssued {
    const authority = this.authority(zone)
    const licenceType = changes.licenceType ?? worldLicenceType
    return {
      kind: 'licence_issued',
      identifier: identifierOf(licenceType, changes.authority ?? authority, serial),
      authority,
      authorityName: `${zone} 行政审批局`,
      licenceType,
      name: '建筑施工企业安全生产许可证',
      number: `N-${serial}`,
      issuedOn: '2025-01-02',
      holder: { name: '武清渤海食品有限公司', code: '91120114MA1668990E', codeType: '001' },
      validFrom: '2025-01-02',
      validUntil: '2056-01-01',
      extensions: [],
      files: [],
      demonstration: false,
      ...changes,
    }
  }

  /** A declaration by which `receiving` takes this world's licences of the other zones for this world's matter, from now on. */
  declaration(receiving: string, changes: Partial<RecognitionDeclared> = {}): RecognitionDeclared {
    return {
      kind: 'recognition_declared',
      declarationId: `${receiving}-1`,
      version: 1,
      licenceType: worldLicenceType,
      issuingZones: this.zones.filter((zone) => zone !== receiving),
      matters: [worldMatter],
      mode: 'cross_province',
      effectiveFromMs: this.nowMs,
      effectiveUntilMs: undefined,
      fields: [],
      legalBasis: '京津冀自贸试验区通办互认备忘录',
      ...changes,
    }
  }

  #write(log: WorldLog, twisted: Twisted, index: bigint): Written {
    const { event } = twisted
    const subjectString = subjectStringOf(event)
    const secret = twisted.secret ?? this.#secretOf(log.owner, subjectString)
    const subject =
      twisted.subject ?? (subjectString === undefined ? new Uint8Array(32) : subjectValue(secret, subjectString))
    const kind = twisted.kind ?? kindNumber[event.kind]
    const previous = twisted.previous ?? log.previous.get(hex(subject)) ?? 0n
    const loggedAtMs = twisted.loggedAtMs ?? this.nowMs
    const told = encodePayload({ origin: twisted.origin ?? log.origin, subjectSecret: secret, event })
    const payload = Buffer.concat([twisted.payload ?? told, twisted.payloadSuffix ?? nothing])
    const salt = sha256(Buffer.from(`salt ${this.#salts++}`))
    const sound = entryOf({ index, kind, loggedAtMs, subject, previous, payload, salt })
    const suffixed = Buffer.concat([sound.leaf, twisted.leafSuffix ?? nothing])
    const entry: Entry = { ...sound, leaf: twisted.leaf?.(suffixed) ?? suffixed }
    if (kind < 128) log.previous.set(hex(subject), index + 1n)
    const isSound = twisted.leaf === undefined && twisted.leafSuffix === undefined && loggedAtMs >= log.loggedAtMs
    return { entry, carried: carriedEntry(entry, twisted.carried), index, subject, loggedAtMs, sound: isSound }
  }

  #secretOf(zone: string, subjectString: string | undefined): Uint8Array {
    return subjectString === undefined
      ? nothing
      : sha256(Buffer.from(`secret ${zone} ${subjectString}`)).subarray(0, 16)
  }

  #append(
    entry: HubLeaf['entry'],
    parts: { readonly entries?: readonly Entry[]; readonly charter?: Uint8Array },
  ): void {
    const index = this.size
    const leaf = encodeHubLeaf({ index, receivedAtMs: this.nowMs, entry })
    this.#hubEdge = appendLeafHash(sha256Tree, this.#hubEdge, sha256Tree.leaf(leaf))
    const { entries = [], charter = nothing } = parts
    this.records.push({ kind: 'entry', index, leaf, entries, charter, redacted: [] })
  }

  #logCharter(charter: Charter, note: Uint8Array): WorldCharter {
    const bytes = charterToBytes(charter)
    const logged: WorldCharter = { position: this.size, charter, bytes, note }
    this.#append({ kind: 'charter', number: charter.number, sha256: sha256(bytes), note }, { charter: bytes })
    this.charters.push(logged)
    return logged
  }

  #headText(size: bigint): string {
    const hashes = this.records.slice(0, Number(size)).map(({ leaf }) => sha256Tree.leaf(leaf))
    const edge = appendLeafHashes(sha256Tree, emptyEdge, hashes)
    return formatCheckpoint({ origin: this.#hub.origin, size, root: edgeRoot(sha256Tree, edge) })
  }

  #log(zone: string): WorldLog {
    const log = this.#logs.get(zone)
    if (log === undefined) throw new RangeError(`this world has no zone ${zone}`)
    return log
  }

  #newLog(owner: string, origin: string): WorldLog {
    const log = { owner, origin, edge: emptyEdge, loggedAtMs: 0, generation: 1, previous: new Map(), signers: [] }
    return { ...log, signers: this.#logSigners(log) }
  }

  /** The deciding key first; beside it always one of Ed25519, which is the same throughout. */
  #logSigners({ owner, origin, generation }: Pick<WorldLog, 'owner' | 'origin' | 'generation'>): NoteSigner[] {
    const deciding = noteSigner(origin, keyOf(`${origin} ${owner} ${generation}`, this.suite))
    if (this.suite === 'Ed25519') return [deciding]
    return [deciding, noteSigner(origin, keyOf(`${origin} ${owner} beside`, 'Ed25519'))]
  }

  #charterZero(options: WorldOptions): Charter {
    const logs = [this.#hub, ...this.#logs.values()]
    const witnesses = this.zones.map((zone) => {
      const name = cosignerName(this.alliance, zone)
      const key = verifierKey(name, keyOf(`cosigner ${zone}`, 'Ed25519').publicKey, { cosignature: true })
      return { name: zone, zone, key }
    })
    const quorum = options.quorum ?? quorumSize(this.zones.length)
    const policy = formatPolicy(
      this.#hub.signers.map(({ key }) => key),
      witnesses,
      quorum,
    )
    return {
      number: 0n,
      previousSha256: nothing,
      alliance: this.alliance,
      nameZh: '测试联盟',
      nameEn: 'Alliance of the tests',
      demonstration: false,
      zones: this.zones.map((id, at) => zoneOf(id, at)),
      logs: logs.map(({ origin, owner }) => ({ origin, owner, suite: this.suite })),
      keys: [
        ...logs.flatMap(({ owner, signers }) =>
          signers.map(({ key }) => charterKey(formatVkey(key), 'log', owner, 0n)),
        ),
        ...witnesses.map(({ zone, key }) => charterKey(formatVkey(key), 'cosigner', zone, 0n)),
        ...this.#admins.map((name) => charterKey(formatVkey(this.adminSigner(name).key), 'admin', name, 0n)),
      ],
      witnessPolicy: policy,
      auditors: [],
      adminThreshold: options.adminThreshold ?? 2,
      heartbeatMs: 60_000,
      maxClockOffsetMs: 60_000,
      freshMs: 300_000,
      usableMs: 86_400_000,
      declarationLeadMs: 0,
      declarationMinimumMs: 0,
    }
  }
}

/** A charter as logged, or as offered and not logged. */
export interface WorldCharter {
  readonly position: bigint
  readonly charter: Charter
  readonly bytes: Uint8Array
  /** Empty for charter 0. */
  readonly note: Uint8Array
}

export interface BatchOptions {
  /** Others than the log's own. */
  readonly signers?: readonly NoteSigner[]
}

/** The identifier of GB/T 36904, version 001 unless said otherwise, its check character computed. */
export function identifierOf(licenceType: string, authority: string, serial: string, version = '001'): string {
  const check = identifierCheckCharacter(`${licenceType}${authority}${serial}${version}`)
  return `1.2.156.3005.2.${licenceType}.${authority}.${serial}.${version}.${check}`
}

/** 暂扣. */
export function suspended({ identifier, authority }: LicenceIssued): LicenceSuspended {
  return { kind: 'licence_suspended', identifier, authority, reason: '暂扣', decidedOn: '' }
}

/** 暂扣发还. */
export function resumed({ identifier, authority }: LicenceIssued): LicenceResumed {
  return { kind: 'licence_resumed', identifier, authority, reason: '发还', decidedOn: '' }
}

/** 注销. */
export function revoked({ identifier, authority }: LicenceIssued): LicenceRevoked {
  return { kind: 'licence_revoked', identifier, authority, manner: 'cancelled', reason: '注销', decidedOn: '' }
}

/** 变更: the next version, with these changes. */
export function amended(licence: LicenceIssued, changes: Partial<LicenceIssued> = {}): LicenceAmended {
  const identifier = nextVersionOf(licence.identifier)
  if (identifier === undefined) throw new RangeError(`no version follows ${licence.identifier}`)
  return {
    kind: 'licence_amended',
    licence: { ...licence, identifier, ...changes },
    supersedes: licence.identifier,
    reason: '变更',
    decidedOn: '',
  }
}

/** 延续. */
export function renewed(
  { identifier, authority }: LicenceIssued,
  validUntil: string,
  files: readonly FileDigest[] = [],
): LicenceRenewed {
  return { kind: 'licence_renewed', identifier, authority, validUntil, files, reason: '延续', decidedOn: '' }
}

/** 更正. */
export function corrected(licence: LicenceIssued, changes: Partial<LicenceIssued>): LicenceCorrected {
  return { kind: 'licence_corrected', licence: { ...licence, ...changes }, reason: '更正', decidedOn: '' }
}

/** 撤回. */
export function withdrawn({ declarationId, version }: RecognitionDeclared): RecognitionWithdrawn {
  return {
    kind: 'recognition_withdrawn',
    declarationId,
    version: version + 1,
    effectiveFromMs: undefined,
    reason: '撤回',
  }
}

/** An event of a licence or declaration, stated again. */
export function restated(about: LicenceIssued | RecognitionDeclared, named: Published): Restated {
  return {
    kind: 'restated',
    about:
      about.kind === 'licence_issued'
        ? { kind: 'licence', identifier: about.identifier }
        : { kind: 'declaration', declarationId: about.declarationId },
    index: named.index,
    leafHash: named.leafHash,
  }
}

/** An unknown field of this number (1 to 15 bits), a varint with the value 1: to be put after a message. */
export function unknownField(number: number): Uint8Array {
  const tag = number << 3
  return tag < 128 ? Uint8Array.of(tag, 1) : Uint8Array.of((tag & 0x7f) | 0x80, tag >> 7, 1)
}

interface WorldLog {
  readonly owner: string
  readonly origin: string
  edge: Edge
  loggedAtMs: number
  /** Of its deciding key. */
  generation: number
  /** By subject (hex): 1 + index of its last event. */
  readonly previous: Map<string, bigint>
  signers: readonly NoteSigner[]
}

interface Written {
  readonly entry: Entry
  readonly carried: Entry
  readonly index: bigint
  readonly subject: Uint8Array
  readonly loggedAtMs: number
  /** `sealBatch` would seal it. */
  readonly sound: boolean
}

function asTwisted(event: Event | Twisted): Twisted {
  return 'event' in event ? event : { event }
}

function carriedEntry(entry: Entry, carried: Twisted['carried']): Entry {
  switch (carried) {
    case undefined:
      return entry
    case 'missing':
      return { ...entry, salt: nothing, payload: nothing }
    case 'damaged':
      return { ...entry, payload: Buffer.concat([entry.payload, Uint8Array.of(0)]) }
    case 'sealed':
      return { ...entry, payloadEncoding: 1 }
  }
}

/** What an honest zone never seals. */
function sealUnchecked(
  { origin, edge }: WorldLog,
  entries: readonly Entry[],
  signers: readonly NoteSigner[],
): { readonly checkpoint: Uint8Array; readonly edge: Edge } {
  const grown = appendLeafHashes(
    sha256Tree,
    edge,
    entries.map(({ leaf }) => sha256Tree.leaf(leaf)),
  )
  const text = formatCheckpoint({ origin, size: grown.size, root: edgeRoot(sha256Tree, grown) })
  return { checkpoint: signNote(text, signers), edge: grown }
}

function charterKey(vkey: string, role: CharterKey['role'], owner: string, acceptedFrom: bigint): CharterKey {
  return { vkey, role, owner, acceptedFrom, retiredAt: undefined, compromisedFrom: undefined }
}

function zoneOf(id: string, at: number): Zone {
  const authority: Authority = {
    code: authorityCode(at),
    nameZh: `${id} 行政审批局`,
    nameEn: `${id} approvals`,
    contact: {
      telephone: '010-00000000',
      hoursZh: '工作日 9:00–17:00',
      hoursEn: 'working days 9 to 17',
      addressZh: '一号',
      addressEn: 'No. 1',
    },
    licenceTypes: [worldLicenceType],
  }
  const region = String(110_000 + at)
  return { id, nameZh: `${id}区`, nameEn: id, region, certificateAuthorities: [], authorities: [authority] }
}

/** A credit code for the authority of the zone at this place: the one check character that fits. */
function authorityCode(at: number): string {
  const body = `111100000${String(at).padStart(8, '0')}`
  const check = [...'0123456789ABCDEFGHJKLMNPQRTUWXY'].find((character) => isCreditCode(body + character))
  if (check === undefined) throw new RangeError('no check character fits')
  return body + check
}

function cosignerName(alliance: string, zone: string): string {
  return `${alliance}/witness/${zone}`
}

/** Keys are drawn once for a process: a hundred worlds cost no more than one. */
function keyOf(name: string, suite: SuiteName): Signer {
  const place = `${suite} ${name}`
  const signer = keys.get(place) ?? signerFromPem(generateKey(suite).privateKeyPem)
  keys.set(place, signer)
  return signer
}

const keys = new Map<string, Signer>()
const nothing = new Uint8Array(0)

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
