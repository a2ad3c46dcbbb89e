import {
  authorityCheck,
  type Charter,
  checkForm,
  evolveLicence,
  isRefusal,
  type LicenceIssued,
  type LicenceState,
  noLicence,
  type Refusal,
  refusal,
  subjectStringOf,
} from '@hutong/licence'
import { CallError, type VerifierClient } from '@hutong/sdk'
import { eventFromWire } from '@hutong/wire'
import { requestIdOf } from './request-id.ts'
import type { ImportRow, LicenceRow } from './row.ts'
import { type RowOutcome, RowsInOrder, type SettledRow } from './rows-in-order.ts'
import { type SeenLicence, SeenLicences } from './seen-licences.ts'

/** Questions to verifiers on their way at once; rows judged together. */
const judgedTogetherMax = 64

/** What can be judged with. */
export interface JudgeSurroundings {
  readonly charter: Charter
  /** The verifier of a zone; undefined for a zone that is not there. */
  verifierOf(zone: string): Pick<VerifierClient, 'history'> | undefined
  readonly signal: AbortSignal
}

/**
 * Judges every row as its zone's publisher would, and writes nothing: form, authority under the charter, repetitions within the file, and
 * what the zone's verifier holds. What only the publisher knows stays open: events sealed and not yet verified, whom the caller may speak
 * for, identifiers that could live in another zone's log.
 *
 * Returns the rows that no verifier was asked about, because it did not answer; they count as good.
 */
export async function judgeRows(
  rows: AsyncIterable<ImportRow>,
  take: (settled: SettledRow) => void,
  afterRows: () => Promise<void>,
  surroundings: JudgeSurroundings,
): Promise<number> {
  using seen = new SeenLicences()
  const order = new RowsInOrder(0, take)
  let unasked = 0
  let together: { readonly item: number; readonly row: ImportRow }[] = []
  const judge = async () => {
    const held = await Promise.all(together.map(({ row }) => heldOf(row, surroundings)))
    for (const [at, { item, row }] of together.entries()) {
      if (held[at] === 'unknown') unasked += 1
      order.settle(item, outcomeOf(row, held[at]!, seen, surroundings))
    }
    together = []
    await afterRows()
  }
  for await (const row of rows) {
    surroundings.signal.throwIfAborted()
    together.push({ item: order.open(row), row })
    if (together.length >= judgedTogetherMax) await judge()
  }
  await judge()
  return unasked
}

/** What a zone holds about the licence of a row: what it has come to, and what was issued. */
interface Held {
  readonly state: LicenceState
  readonly issued: readonly LicenceIssued[]
}

/** `unknown`: the zone's verifier did not answer; undefined: the row is bad by itself. */
async function heldOf(row: ImportRow, surroundings: JudgeSurroundings): Promise<Held | 'unknown' | undefined> {
  if (row.kind === 'refused' || faultOf(row, surroundings) !== undefined) return undefined
  const verifier = surroundings.verifierOf(row.zone)!
  try {
    const { events } = await verifier.history(row.licence.identifier, { signal: surroundings.signal })
    return folded(events)
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    if (error.code === 'NOT_FOUND') return { state: noLicence, issued: [] }
    if (error.kind === 'unavailable') return 'unknown'
    throw error
  }
}

function folded(events: Awaited<ReturnType<VerifierClient['history']>>['events']): Held | 'unknown' {
  let state: LicenceState = noLicence
  const issued: LicenceIssued[] = []
  for (const { verdict, event } of events) {
    if (verdict !== 'STANDS') continue
    const reading = event === undefined ? undefined : eventFromWire(event)
    if (reading?.kind !== 'event') return 'unknown'
    if (!isAboutLicence(reading.event)) continue
    const next = evolveLicence(state, reading.event)
    if (!isRefusal(next)) state = next
    if (reading.event.kind === 'licence_issued') issued.push(reading.event)
  }
  return { state, issued }
}

type LicenceEvent = Parameters<typeof evolveLicence>[1]

function isAboutLicence(event: { readonly kind: string }): event is LicenceEvent {
  return event.kind.startsWith('licence_')
}

function outcomeOf(
  row: ImportRow,
  held: Held | 'unknown' | undefined,
  seen: SeenLicences,
  surroundings: JudgeSurroundings,
): RowOutcome {
  if (row.kind === 'refused') return { kind: 'refused', refusal: row.refusal }
  const fault = faultOf(row, surroundings)
  if (fault !== undefined) return { kind: 'refused', refusal: fault }
  const { zone, licence } = row
  const subject = `${zone}/${subjectStringOf(licence)}`
  const requestId = requestIdOf(zone, licence)
  const before = seen.find(subject, licence, requestId) ?? heldBefore(row, held, requestId)
  if (before === undefined) {
    seen.add(subject, licence, requestId)
    return { kind: 'published' }
  }
  if (isRefusal(before)) return { kind: 'refused', refusal: before }
  if (!before.sameIdentifier) return { kind: 'refused', refusal: refusal('ALREADY_ISSUED') }
  if (before.sameContent) return { kind: 'duplicate' }
  return { kind: 'refused', refusal: refusal('CONFLICT', { field: 'event.licence_issued.identifier' }) }
}

function faultOf({ zone, licence }: LicenceRow, { charter, verifierOf }: JudgeSurroundings): Refusal | undefined {
  const isThere = verifierOf(zone) !== undefined
  if (!isThere) return refusal('ZONE_NOT_RUNNING', { field: 'zone', parameters: { zone } })
  return checkForm(licence) ?? authorityCheck(charter, zone, licence, noLicence)
}

function heldBefore(
  { zone, licence }: LicenceRow,
  held: Held | 'unknown' | undefined,
  requestId: string,
): SeenLicence | Refusal | undefined {
  if (held === undefined || held === 'unknown' || held.state.kind === 'none') return undefined
  const { state, issued } = held
  const isSame = (one: LicenceIssued) => one.files.length === 0 && requestIdOf(zone, one) === requestId
  if (issued.some(isSame)) return { sameIdentifier: true, sameContent: true }
  if (state.licence.identifier === licence.identifier)
    return { sameIdentifier: true, sameContent: isSame(state.licence) }
  const next = evolveLicence(state, licence)
  return isRefusal(next) ? next : undefined
}
