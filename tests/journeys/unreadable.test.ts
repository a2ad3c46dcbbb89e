import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Event, kindNumber, type LicenceIssued, type Restated } from '@hutong/licence'
import { encodePayload } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendUnjudged, type Unjudged, type Written } from '../constellation/byzantine-publisher.ts'
import { inShort } from '../constellation/constellation.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { declarationFor, licenceOf, matter, otherHolderCode } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

const zones = ['beijing', 'tianjin', 'langfang', 'xiqing']
const elsewhere = ['tianjin', 'langfang', 'xiqing']

/** What a zone's log may hold though no honest publisher writes it, and what becomes of the licence it is about. */
const stories: readonly {
  readonly name: string
  readonly serial: string
  readonly kind: number
  readonly payload: (subject: Parameters<Unjudged['payload']>[0], licence: LicenceIssued) => Uint8Array
  readonly becomes: string
  /** Whether stating it again lets the licence be valid again. */
  readonly restated: boolean
}[] = [
  {
    name: 'a payload that says something else than its leaf',
    serial: 'M1',
    kind: kindNumber.licence_resumed,
    payload: (subject, licence) =>
      encodePayload({ ...subject, event: { kind: 'licence_suspended', ...decided(licence) } }),
    becomes: 'UNDETERMINED EVENT_UNREADABLE',
    restated: true,
  },
  {
    name: 'a payload that is no event at all',
    serial: 'M2',
    kind: kindNumber.licence_revoked,
    payload: () => Buffer.alloc(40, 0xff),
    becomes: 'UNDETERMINED EVENT_UNREADABLE',
    restated: true,
  },
  {
    name: 'a kind that nobody here knows',
    serial: 'M3',
    kind: 6,
    payload: (subject, licence) =>
      encodePayload({ ...subject, event: { kind: 'licence_suspended', ...decided(licence) } }),
    becomes: 'UNDETERMINED EVENT_NOT_UNDERSTOOD',
    restated: false,
  },
  {
    name: 'a field that nobody here knows',
    serial: 'M4',
    kind: kindNumber.licence_resumed,
    // Field 900, a number, after an otherwise well-formed payload.
    payload: (subject, licence) =>
      Buffer.concat([
        encodePayload({ ...subject, event: { kind: 'licence_resumed', ...decided(licence) } }),
        Buffer.of(0xa0, 0x38, 0x01),
      ]),
    becomes: 'UNDETERMINED EVENT_NOT_UNDERSTOOD',
    restated: false,
  },
  {
    name: 'a revocation by an authority that has no say',
    serial: 'M5',
    kind: kindNumber.licence_revoked,
    payload: (subject, licence) => {
      const event: Event = {
        kind: 'licence_revoked',
        manner: 'penalty',
        ...decided(licence),
        authority: otherHolderCode,
      }
      return encodePayload({ ...subject, event })
    },
    becomes: 'UNDETERMINED ADVERSE_EVENT_REFUSED',
    restated: true,
  },
  {
    name: 'an informative kind that nobody here knows',
    serial: 'M6',
    kind: 200,
    payload: (subject, licence) =>
      encodePayload({ ...subject, event: { kind: 'licence_suspended', ...decided(licence) } }),
    becomes: 'VALID',
    restated: false,
  },
]

describe('what cannot be read', () => {
  let world: EmbeddedConstellation
  let written: readonly Written[]

  beforeAll(async () => {
    world = await startEmbedded({
      zones,
      settings: { verifier: { initialMissingRetryMs: 100, maxMissingRetryMs: 500 } },
    })
    console.log(`engine: ${world.engine}`)
    for (const zone of elsewhere) {
      const others = zones.filter((other) => other !== zone)
      await world.declare(zone, declarationFor(others, Date.now() - 60_000))
    }
    for (const { serial } of stories) await world.issue('beijing', licence(serial))
    for (const { serial } of stories) await everywhere(elsewhere, serial, 'VALID')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const licence = (serial: string) => licenceOf(world.box.alliance.charter, 'beijing', serial)
  const ask = async (zone: string, serial: string) =>
    inShort(await world.verify(zone, { identifier: licence(serial).identifier, matter }))
  const everywhere = (at: readonly string[], serial: string, wanted: string) =>
    until(
      `${serial} is ${wanted}`,
      () => Promise.all(at.map((zone) => ask(zone, serial))),
      (words) => words.every((word) => word === wanted),
    )

  it('stands in a zone’s log, and the hub has taken it', async () => {
    await world.stop('beijing')
    const events = stories.map(({ kind, serial, payload }) => {
      const about = licence(serial)
      return {
        kind,
        identifier: about.identifier,
        payload: (subject: Parameters<Unjudged['payload']>[0]) => payload(subject, about),
      }
    })
    written = await appendUnjudged(world.box, 'beijing', events)
    expect(written).toHaveLength(stories.length)
  })

  it.each(stories)('$name: the licence is $becomes at every other zone', async ({ serial, becomes }) => {
    await everywhere(elsewhere, serial, becomes)
  })

  it('the zone’s own publisher takes it over, and its own counter says the same', async () => {
    await world.start('beijing')
    await until(
      'it refuses',
      () => world.publisherStatus('beijing'),
      ({ refuses }) => refuses === 'ADOPT_NEEDED',
    )
    expect(await world.adoptPublisher('beijing')).toMatchObject({ refused: undefined })
    for (const { serial, becomes } of stories) await everywhere(['beijing'], serial, becomes)
  })

  it.each(stories)(
    '$name: stated again, the licence is valid again: $restated',
    async ({ serial, becomes, restated }) => {
      const { index, leafHash } = written[stories.findIndex((story) => story.serial === serial)]!
      const event: Restated = {
        kind: 'restated',
        about: { kind: 'licence', identifier: licence(serial).identifier },
        index,
        leafHash,
      }
      const outcome = await until(
        'published or refused',
        () => world.publish('beijing', event),
        () => true,
      )
      if (restated) expect(outcome.answer).toMatchObject({ kind: 'published' })
      await everywhere(zones, serial, restated ? 'VALID' : becomes)
    },
  )

  it('afterwards a replay agrees with every zone', async () => {
    await until(
      'it agrees',
      () => world.auditReplay(),
      ({ outcome }) => outcome === 'agrees',
    )
  })

  it('a payload that is damaged in a zone’s copy makes its answers undetermined, until the hub has given it again', async () => {
    await world.issue('beijing', licence('N1'))
    await everywhere(elsewhere, 'N1', 'VALID')
    await world.stop('hub')
    await world.stop('tianjin')
    spoilPayload(join(world.folder('tianjin'), 'verifier.sqlite'), licence('N1').identifier)
    await world.start('tianjin')
    await until(
      'it cannot be told',
      () => ask('tianjin', 'N1'),
      (answer) => answer.startsWith('UNDETERMINED '),
    )
    await everywhere(['langfang', 'xiqing'], 'N1', 'VALID')
    await world.start('hub')
    await everywhere(elsewhere, 'N1', 'VALID')
  })
})

function decided({ identifier, authority }: LicenceIssued) {
  return { identifier, authority, reason: '', decidedOn: '' }
}

/** Spoils the payload of the event that names an identifier in a verifier's copy, as a disk does. */
function spoilPayload(path: string, identifier: string): void {
  const database = new DatabaseSync(path)
  try {
    const rows = database.prepare('SELECT key, value FROM collection_events').all() as {
      key: string
      value: Uint8Array
    }[]
    const { key, value } = rows.find((row) => Buffer.from(row.value).includes(identifier))!
    value[Buffer.from(value).indexOf(identifier)]! ^= 1
    database.prepare('UPDATE collection_events SET value = ? WHERE key = ?').run(value, key)
  } finally {
    database.close()
  }
}
