import type { DeclarationState, LicenceState } from '@hutong/licence'
import type { Cloud, ReadEvent, SubjectFold } from '@hutong/verify'
import { eventToJson, type JsonObject } from '@hutong/wire'
import { isAboutDeclaration } from './documents.ts'
import { kindWord } from './history.ts'

/** Where one event of H stands, known from its leaf alone. */
export interface EventPlace {
  readonly zone: string
  readonly origin: string
  readonly index: bigint
  /** H index of its batch. */
  readonly position: bigint
  readonly place: number
  /** The hub's clock at that position. */
  readonly receivedAtMs: number
  readonly kind: number
  /** Lower-case hex. */
  readonly subject: string
  /** RFC 6962 leaf hash, lower-case hex. */
  readonly leafHash: string
}

/** What an event came to: itself, and its subject folded up to and with it; or what became of it in this copy. */
export type Told = { readonly event: ReadEvent; readonly foldAfter: SubjectFold } | 'deleted' | 'damaged'

/**
 * One verified event and the state after it, as a CloudEvent 1.0 in JSON: for the zone's own systems, whatever carries it there. `verdict`
 * says what the event came to here; only STANDS has changed the state. Where the payload is not here (never came, was deleted, does not
 * open its commitment, is of a newer format) there is no `data`: its subject is then to be asked about, not guessed at.
 *
 * Attributes name no person: `subject` is the leaf's, a hash under a secret. Positions are text, since CloudEvents' integers end at 2^31 - 1.
 */
export function cloudEventOf(place: EventPlace, told: Told): JsonObject {
  const { zone, origin, index, position, receivedAtMs, kind, subject, leafHash } = place
  const data = typeof told === 'string' ? undefined : dataOf(told)
  return {
    specversion: '1.0',
    id: `${origin}/${index}`,
    source: origin,
    type: `cn.hutong.${kindWord(kind).replace('_', '.')}.v1`,
    subject,
    time: new Date(receivedAtMs).toISOString(),
    zone,
    position: `${position}`,
    place: place.place,
    leafhash: leafHash,
    verdict: verdictOf(place, told),
    ...(data && { datacontenttype: 'application/json', data }),
  }
}

function verdictOf({ position, place }: EventPlace, told: Told): string {
  if (told === 'deleted') return 'PAYLOAD_MISSING'
  const events = told === 'damaged' ? [] : told.foldAfter.events
  return events.find((event) => event.position === position && event.place === place)?.code ?? 'DOCUMENT_DAMAGED'
}

function dataOf({ event, foldAfter }: Exclude<Told, string>): JsonObject | undefined {
  if (event.reading.kind !== 'read') return undefined
  const said = event.reading.payload.event
  const declared = said.kind === 'restated' ? said.about.kind === 'declaration' : isAboutDeclaration(event.leaf.kind)
  return {
    event: eventToJson(said),
    state: declared ? declarationStateToJson(foldAfter.declaration) : licenceStateToJson(foldAfter.licence),
    clouds: foldAfter.clouds.map(cloudToJson),
  }
}

function licenceStateToJson(state: LicenceState): JsonObject {
  if (state.kind === 'none') return { about: 'licence', standing: 'none' }
  return {
    about: 'licence',
    standing: state.kind,
    ...(state.kind === 'revoked' && { manner: state.manner }),
    licence: eventToJson(state.licence),
    superseded: state.superseded,
  }
}

function declarationStateToJson({ versions }: DeclarationState): JsonObject {
  return {
    about: 'declaration',
    versions: versions.map(({ version, fromMs, declared }) => ({
      version,
      from: new Date(fromMs).toISOString(),
      ...(declared && { declared: eventToJson(declared) }),
    })),
  }
}

function cloudToJson({ code, origin, index }: Cloud): JsonObject {
  return { code, eventId: `${origin}/${index}` }
}
