import { admitBatch, sameLeaves } from '@hutong/batch'
import type { Charter, CharterKey, LicenceIssued } from '@hutong/licence'
import { identifierCheckCharacter } from '@hutong/licence'
import {
  addSignatures,
  appendLeafHash,
  cosign,
  type Edge,
  edgeRoot,
  emptyEdge,
  formatCheckpoint,
  formatPolicy,
  formatVkey,
  type Hash,
  hashReaderOfLeaves,
  inclusionProof,
  type NoteSigner,
  noteSigner,
  sha256Tree,
  signNote,
  verifierKey,
} from '@hutong/merkle'
import { generateKey, type Signer, type Suite, sha256, signerFromPem } from '@hutong/signing'
import {
  charterNoteText,
  extendTrust,
  logKeysAt,
  newestLogged,
  type Trust,
  trustFromFirstCharter,
} from '@hutong/verify'
import { type Batch, charterToBytes, encodeHubLeaf, type HubLeaf, type LoggedRecord } from '@hutong/wire'
import type { Appended, AppendRefused, Hub, HubCharters, Known } from '../hub.ts'

// For tests: an alliance with real keys, and a hub in memory that does what an honest one does.

const alliance = 'test.hutong.example'
export const beijingAuthority = '11110000000021135M'
export const beijingOtherAuthority = '1110000000001332XW'
export const tianjinAuthority = '91370406L24894136J'
/** In the charter an authority of two zones. */
export const sharedAuthority = '11100000000013338W'
export const licenceType = '11100000000013338W011'

export interface TestAlliance {
  readonly charter: Charter
  readonly bytes: Uint8Array
  readonly beijing: readonly NoteSigner[]
  readonly hubSigners: readonly NoteSigner[]
  readonly witnesses: readonly { readonly name: string; readonly signer: Signer }[]
  readonly admin: NoteSigner
}

export const beijingOrigin: string = `${alliance}/z/beijing/1`

export function createTestAlliance(
  change: (charter: Charter) => Charter = (same) => same,
  suite: Suite = 'ECDSA-P256',
): TestAlliance {
  const logOrigins = { hub: `${alliance}/h/1`, beijing: beijingOrigin, tianjin: `${alliance}/z/tianjin/1` }
  const suites = suite === 'Ed25519' ? [suite] : [suite, 'Ed25519' as const]
  const signersOf = (origin: string) => suites.map((one) => noteSigner(origin, newSigner(one)))
  const hubSigners = signersOf(logOrigins.hub)
  const beijing = signersOf(logOrigins.beijing)
  const tianjin = signersOf(logOrigins.tianjin)
  const witnesses = ['beijing', 'tianjin'].map((zone) => ({
    name: `${alliance}/w/${zone}`,
    zone,
    signer: newSigner('Ed25519'),
  }))
  const admin = noteSigner(`${alliance}/admin`, newSigner('Ed25519'))
  const cosigners = witnesses.map(({ name, signer }) => verifierKey(name, signer.publicKey, { cosignature: true }))
  const key = (vkey: string, role: CharterKey['role'], owner: string): CharterKey => ({
    vkey,
    role,
    owner,
    acceptedFrom: 0n,
    retiredAt: undefined,
    compromisedFrom: undefined,
  })
  const logKeys = (signers: readonly NoteSigner[], owner: string) =>
    signers.map((one) => key(formatVkey(one.key), 'log', owner))
  const members = cosigners.map((one, at) => ({ name: `w${at}`, key: one }))
  const hubKeys = hubSigners.map((one) => one.key)
  const charter = change({
    number: 0n,
    previousSha256: new Uint8Array(),
    alliance,
    nameZh: '测试联盟',
    nameEn: 'test alliance',
    demonstration: true,
    zones: [
      zoneOf('beijing', '110000', [beijingAuthority, beijingOtherAuthority, sharedAuthority]),
      zoneOf('tianjin', '120000', [tianjinAuthority, sharedAuthority]),
    ],
    logs: Object.entries(logOrigins).map(([owner, origin]) => ({ origin, owner, suite })),
    keys: [
      ...logKeys(hubSigners, 'hub'),
      ...logKeys(beijing, 'beijing'),
      ...logKeys(tianjin, 'tianjin'),
      ...cosigners.map((one, at) => key(formatVkey(one), 'cosigner', witnesses[at]!.zone)),
      key(formatVkey(admin.key), 'admin', 'admin'),
    ],
    witnessPolicy: formatPolicy(hubKeys, members, 2),
    auditors: [],
    adminThreshold: 1,
    heartbeatMs: 60_000,
    maxClockOffsetMs: 60_000,
    freshMs: 300_000,
    usableMs: 86_400_000,
    declarationLeadMs: 0,
    declarationMinimumMs: 0,
  })
  return { charter, bytes: charterToBytes(charter), beijing, hubSigners, witnesses, admin }
}

/** A hub that admits, orders and signs as the contract says. `witnessing` off: heads are not cosigned. */
export class HonestHub implements Hub {
  readonly #alliance: TestAlliance
  #trust: Trust
  readonly clock: () => number
  witnessing = true
  /** Called before each RPC by its name; it may throw: the call is then lost before it reached the hub. */
  before: (call: string) => void | Promise<void> = () => {}
  /** Called after it; it may throw: the answer is then lost. */
  after: (call: string) => void | Promise<void> = () => {}
  readonly records: (LoggedRecord & { readonly kind: 'entry' })[] = []
  readonly leafHashes: Hash[] = []
  appends = 0
  #edge: Edge = emptyEdge
  #cosigned: Uint8Array = new Uint8Array()
  known_: { edge: Edge; loggedAtMs: number; checkpoint: Uint8Array; leaves: Uint8Array[] } = {
    edge: emptyEdge,
    loggedAtMs: 0,
    checkpoint: new Uint8Array(),
    leaves: [],
  }

  constructor(testAlliance: TestAlliance, clock: () => number) {
    this.#alliance = testAlliance
    this.clock = clock
    const trust = trustFromFirstCharter(testAlliance.bytes)
    if ('kind' in trust) throw new Error(trust.reason)
    this.#trust = trust
    const entry = { kind: 'charter', number: 0n, sha256: sha256(testAlliance.bytes), note: new Uint8Array() } as const
    this.#commit(entry, { entries: [], charter: testAlliance.bytes })
  }

  /** The leaves of Beijing's log, as accepted. */
  get leaves(): readonly Uint8Array[] {
    return this.known_.leaves
  }

  known(origin: string): Promise<Known> {
    return this.#call('known', () => {
      if (origin !== beijingOrigin) throw new Error('another log')
      return { clockMs: this.clock(), size: this.known_.edge.size, checkpoint: this.known_.checkpoint }
    })
  }

  append(batch: Batch): Promise<Appended | AppendRefused> {
    return this.#call('append', async () => {
      this.appends++
      const known = { origin: beijingOrigin, edge: this.known_.edge, newestLoggedAtMs: this.known_.loggedAtMs }
      const keys = logKeysAt(this.#trust, beijingOrigin, this.#edge.size)!
      const clock = { nowMs: this.clock(), maxClockOffsetMs: this.#alliance.charter.maxClockOffsetMs }
      const admission = admitBatch(known, batch, { accepted: keys.keys, decides: keys.suite }, clock)
      if (admission.kind === 'refused') return this.#refusal(admission.code, admission.why)
      if (admission.kind === 'resent') {
        const from = Number(batch.firstIndex)
        const kept = this.known_.leaves.slice(from, from + batch.entries.length)
        const position = this.#positionOf(batch.firstIndex)
        if (!sameLeaves(batch.entries, kept) || position === undefined)
          return this.#refusal('BATCH_NOT_CONTINUING', 'other leaves')
        return this.#answer(position)
      }
      const { edge, root, newestLoggedAtMs } = admission
      const entry = {
        kind: 'batch',
        origin: beijingOrigin,
        oldSize: batch.firstIndex,
        newSize: edge.size,
        root,
        checkpoint: batch.checkpoint,
      } as const
      const position = this.#commit(entry, { entries: batch.entries, charter: new Uint8Array() })
      const leaves = [...this.known_.leaves, ...batch.entries.map(({ leaf }) => Uint8Array.from(leaf))]
      this.known_ = { edge, loggedAtMs: newestLoggedAtMs, checkpoint: batch.checkpoint, leaves }
      return this.#answer(position)
    })
  }

  charters(fromNumber: bigint): Promise<HubCharters> {
    return this.#call('charters', async () => {
      const charters: HubCharters['charters'][number][] = []
      for (const { position, charter, bytes } of this.#trust.charters) {
        if (charter.number < fromNumber) continue
        const { leaf } = this.records[Number(position)]!
        charters.push({ charter: bytes, leaf, index: position, inclusionProof: await this.#proof(position) })
      }
      return { charters, head: this.#head() }
    })
  }

  /** The next charter, signed by the admin; it governs the leaves after its own. */
  changeCharter(change: (charter: Charter, position: bigint) => Charter): void {
    const before = newestLogged(this.#trust)
    const position = this.#edge.size
    const charter = change(
      { ...before.charter, number: before.charter.number + 1n, previousSha256: before.sha256 },
      position,
    )
    const bytes = charterToBytes(charter)
    const note = signNote(charterNoteText({ ...charter, sha256: sha256(bytes) }), [this.#alliance.admin])
    const entry = { kind: 'charter', number: charter.number, sha256: sha256(bytes), note } as const
    this.#commit(entry, { entries: [], charter: bytes })
    const trust = extendTrust(this.#trust, { position, number: charter.number, sha256: sha256(bytes), note, bytes })
    if ('kind' in trust) throw new Error(trust.reason)
    this.#trust = trust
  }

  heads(): Promise<{ readonly head: Uint8Array; readonly cosigned: Uint8Array }> {
    return this.#call('heads', () => {
      const head = this.#head()
      if (this.witnessing) this.#cosigned = this.#cosign(head)
      return { head, cosigned: this.#cosigned }
    })
  }

  async *read(fromIndex: bigint): AsyncIterable<LoggedRecord> {
    await this.before('read')
    for (const record of this.records.slice(Number(fromIndex))) yield record
    yield { kind: 'head', checkpoint: this.#head() }
  }

  async #call<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    await this.before(name)
    const answer = await work()
    await this.after(name)
    return answer
  }

  #commit(entry: HubLeaf['entry'], rest: { entries: Batch['entries']; charter: Uint8Array }): bigint {
    const index = this.#edge.size
    const leaf = encodeHubLeaf({ index, receivedAtMs: this.clock(), entry })
    const hash = sha256Tree.leaf(leaf)
    this.leafHashes.push(hash)
    this.#edge = appendLeafHash(sha256Tree, this.#edge, hash)
    this.records.push({ kind: 'entry', index, leaf, redacted: [], ...rest })
    return index
  }

  async #answer(index: bigint): Promise<Appended> {
    const { leaf } = this.records[Number(index)]!
    return {
      kind: 'appended',
      index,
      leaf,
      inclusionProof: await this.#proof(index),
      head: this.#head(),
      clockMs: this.clock(),
    }
  }

  #refusal(code: string, en: string): AppendRefused {
    return { kind: 'refused', refusal: { code, field: '', expected: '', zh: code, en }, clockMs: this.clock() }
  }

  #positionOf(firstIndex: bigint): bigint | undefined {
    let next = 0n
    for (const { index, entries } of this.records) {
      if (entries.length === 0) continue
      if (next === firstIndex) return index
      next += BigInt(entries.length)
    }
    return undefined
  }

  #proof(index: bigint): Promise<Hash[]> {
    return inclusionProof(sha256Tree, index, this.#edge.size, hashReaderOfLeaves(sha256Tree, this.leafHashes))
  }

  #headText(): string {
    const origin = `${alliance}/h/1`
    return formatCheckpoint({ origin, size: this.#edge.size, root: edgeRoot(sha256Tree, this.#edge) })
  }

  #head(): Uint8Array {
    return signNote(this.#headText(), this.#alliance.hubSigners)
  }

  #cosign(head: Uint8Array): Uint8Array {
    const seconds = BigInt(Math.floor(this.clock() / 1000))
    const lines = this.#alliance.witnesses.map(({ name, signer }) => cosign(this.#headText(), name, signer, seconds))
    return addSignatures(head, lines)
  }
}

/** A log's key as a charter names it. */
export function keyOf(signer: NoteSigner, owner: string, acceptedFrom: bigint): CharterKey {
  const vkey = formatVkey(signer.key)
  return { vkey, role: 'log', owner, acceptedFrom, retiredAt: undefined, compromisedFrom: undefined }
}

/** A licence that Beijing may issue; `serial` makes it another one. */
export function licence(serial: string | number, change: Partial<LicenceIssued> = {}): LicenceIssued {
  const authority = change.authority ?? beijingAuthority
  return {
    kind: 'licence_issued',
    identifier: identifierOf(authority, String(serial)),
    authority,
    authorityName: '北京市测试局',
    licenceType,
    name: '营业执照',
    number: '',
    issuedOn: '2026-01-01',
    holder: { name: '测试公司', code: 'X-1', codeType: '099' },
    validFrom: '2026-01-01',
    validUntil: '',
    extensions: [],
    files: [],
    demonstration: true,
    ...change,
  }
}

export function identifierOf(authority: string, serial: string, version = '001', type: string = licenceType): string {
  const check = identifierCheckCharacter(`${type}${authority}${serial}${version}`)
  return `1.2.156.3005.2.${type}.${authority}.${serial}.${version}.${check}`
}

function zoneOf(id: string, region: string, authorities: readonly string[]): Charter['zones'][number] {
  return {
    id,
    nameZh: id,
    nameEn: id,
    region,
    certificateAuthorities: [],
    authorities: authorities.map((code) => ({
      code,
      nameZh: code,
      nameEn: code,
      contact: undefined,
      licenceTypes: [licenceType],
    })),
  }
}

export function newSigner(suite: Suite): Signer {
  return signerFromPem(generateKey(suite).privateKeyPem)
}
