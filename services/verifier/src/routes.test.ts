import {
  type Caller,
  createClient,
  createGrpcServer,
  createLogger,
  type GrpcServer,
  RefusedError,
  serverStream,
  tokenIdentity,
  unary,
} from '@hutong/service'
import { createMemoryStore } from '@hutong/store'
import { resumed, suspended, type World, worldMatter } from '@hutong/verify/world'
import {
  type AsOfMessage,
  type LoggedRecord,
  recordFromWire,
  VerifierServiceClient,
  VerifierServiceService,
} from '@hutong/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createVerifierService, type VerifierService } from './context.ts'
import { verifierServiceRoles } from './routes.ts'
import { newHub, until } from './testing/test-verifier.ts'
import type { WorldHub } from './testing/world-hub.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const callers = new Map<string, Caller>(
  (['counter', 'auditor', 'publisher'] as const).map((role) => [`${role}-`.padEnd(40, 'x'), { zone: 'tianjin', role }]),
)
callers.set('beijing-'.padEnd(40, 'x'), { zone: 'beijing', role: 'counter' })

describe('VerifierService', () => {
  let hub: WorldHub
  let world: World
  let licence: ReturnType<World['licence']>
  let service: VerifierService
  let server: GrpcServer
  let address: string

  const client = (who: string) =>
    createClient(VerifierServiceClient, address, {
      token: `${who}-`.padEnd(40, 'x'),
      zone: 'tianjin',
      defaultDeadlineMs: 5000,
    })

  beforeEach(async () => {
    hub = newHub()
    world = hub.world
    licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    world.publishBatch('beijing', [{ event: world.licence('beijing', '2'), carried: 'missing' }])
    hub.witness()
    service = await createVerifierService({
      zone: 'tianjin',
      store: createMemoryStore(),
      charter: world.charters[0]!.bytes,
      clients: { log: undefined as never },
      peers: { hub },
      clock: () => world.nowMs,
      log,
    })
    server = createGrpcServer({ identify: tokenIdentity(callers), allow: verifierServiceRoles, log })
    server.mount(VerifierServiceService, 'tianjin', service.routes)
    address = (await server.listen({ port: 0 })).address
    await until(() => {
      hub.changed()
      return service.verifier.follower.view.cosigned?.checkpoint.size === world.size
    })
  })

  afterEach(async () => {
    await server[Symbol.asyncDispose]()
    await service[Symbol.asyncDispose]()
  })

  const question = (identifier: string) => ({ identifier, matter: worldMatter, fileSha256: Buffer.alloc(0) })

  it('answers a verdict, and refuses a malformed number as the caller’s mistake', async () => {
    using counter = client('counter')
    const { verdict } = await unary(counter, 'verify', question(licence.identifier))
    expect(verdict).toMatchObject({ findings: { code: 'VALID', position: world.size }, receiptNumber: '' })
    await expect(unary(counter, 'verify', question('nonsense'))).rejects.toMatchObject({
      exitCode: 2,
      refusal: { code: 'MALFORMED_IDENTIFIER' },
    })
    const badFile = { ...question(licence.identifier), fileSha256: Buffer.alloc(31) }
    await expect(unary(counter, 'verify', badFile)).rejects.toMatchObject({ refusal: { code: 'FILE_DIGEST' } })
  })

  it('is closed to other zones, and keeps payloads from who only asks for verdicts', async () => {
    using stranger = client('beijing')
    await expect(unary(stranger, 'verify', question(licence.identifier))).rejects.toBeInstanceOf(RefusedError)
    using counter = client('counter')
    await expect(serverStream(counter, 'read', { fromIndex: 0n }).next()).rejects.toMatchObject({ exitCode: 4 })
  })

  it('tells the history of a licence with what each event came to', async () => {
    world.publish('beijing', suspended(licence))
    world.publish('beijing', suspended(licence))
    await until(() => {
      hub.changed()
      return service.verifier.follower.view.state.position === world.size
    })
    using counter = client('counter')
    const history = await unary(counter, 'history', { identifier: licence.identifier })
    expect(history.state).toBe('suspended')
    expect(history.events.map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['licence_issued', 'STANDS'],
      ['licence_suspended', 'STANDS'],
      ['licence_suspended', 'ALREADY_SUSPENDED'],
    ])
    expect(history.events[0]?.event).toBeDefined()
    const unknown = world.licence('beijing', 'NEVER').identifier
    await expect(unary(counter, 'history', { identifier: unknown })).rejects.toMatchObject({ exitCode: 5 })
  })

  it('gives the events under a licence’s leaf subject as kept bytes, up to the position asked', async () => {
    const issuedAt = world.size - 2n
    world.publish('beijing', suspended(licence))
    hub.witness()
    await until(() => {
      hub.changed()
      return service.verifier.follower.view.cosigned?.checkpoint.size === world.size
    })
    using auditor = client('auditor')
    const { events, position, zone } = await unary(auditor, 'licenceEvents', { identifier: licence.identifier })
    expect([zone, position]).toEqual(['beijing', world.size])
    const records = [world.records.at(-3)!, world.records.at(-1)!]
    expect(events).toMatchObject(
      records.map(({ index, entries: [entry] }, at) => ({
        origin: world.origin('beijing'),
        index: at === 0 ? 0n : 2n,
        position: index,
        place: 0,
        leaf: Buffer.from(entry!.leaf),
        salt: Buffer.from(entry!.salt),
        payload: Buffer.from(entry!.payload),
      })),
    )
    const asOf = { asOf: { $case: 'position', value: issuedAt + 1n } } as const
    const before = await unary(auditor, 'licenceEvents', { identifier: licence.identifier, asOf })
    expect([before.events, before.position]).toEqual([events.slice(0, 1), issuedAt + 1n])
  })

  it('gives no bytes to who only asks for verdicts, and leaves empty what is not held', async () => {
    using counter = client('counter')
    await expect(unary(counter, 'licenceEvents', { identifier: licence.identifier })).rejects.toMatchObject({
      exitCode: 4,
    })
    using auditor = client('auditor')
    const unknown = world.licence('beijing', 'NEVER').identifier
    await expect(unary(auditor, 'licenceEvents', { identifier: unknown })).rejects.toMatchObject({ exitCode: 5 })
    world.publishBatch('beijing', [{ event: suspended(licence), carried: 'missing' }])
    await until(() => {
      hub.changed()
      return service.verifier.follower.view.state.position === world.size
    })
    const { events } = await unary(auditor, 'licenceEvents', { identifier: licence.identifier })
    expect(events.map(({ leaf, salt, payload }) => [leaf, salt, payload].map(({ length }) => length > 0))).toEqual([
      [true, true, true],
      [true, false, false],
    ])
  })

  it('refuses events that do not fit into one answer, and leaves none of them out', async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => (at % 2 === 0 ? suspended : resumed)(licence))
    for (const count of [250, 250, 250, 250, 23]) world.publishBatch('beijing', many(count))
    const caughtUp = () =>
      until(() => {
        hub.changed()
        return service.verifier.follower.view.state.position === world.size
      })
    await caughtUp()
    using auditor = client('auditor')
    const ask = () => unary(auditor, 'licenceEvents', { identifier: licence.identifier })
    expect((await ask()).events).toHaveLength(1024)
    world.publish('beijing', suspended(licence))
    await caughtUp()
    await expect(ask()).rejects.toMatchObject({ exitCode: 2, refusal: { code: 'ANSWER_TOO_LARGE' } })
  })

  it('refuses what cannot be answered as of then, and what says neither position nor time', async () => {
    using counter = client('counter')
    const asked = (asOf: AsOfMessage) => unary(counter, 'verify', { ...question(licence.identifier), asOf })
    const at = (value: bigint) => asked({ asOf: { $case: 'position', value } })
    await expect(at(world.size + 1n)).rejects.toMatchObject({ exitCode: 6, refusal: { code: 'NOT_YET' } })
    await expect(at(0n)).rejects.toMatchObject({ exitCode: 2, refusal: { code: 'BEFORE_FIRST_LEAF' } })
    await expect(at(2n ** 63n)).rejects.toMatchObject({ exitCode: 2, refusal: { code: 'AS_OF' } })
    await expect(asked({ asOf: undefined })).rejects.toMatchObject({ exitCode: 2, refusal: { code: 'AS_OF' } })
    const { verdict } = await at(world.size)
    expect(verdict?.findings).toMatchObject({
      code: 'VALID',
      position: world.size,
      asOf: { asOf: { value: world.size } },
    })
    expect(verdict?.findings?.ageMs).toBeUndefined()
  })

  it('tells how it stands: position, heads, ages, what is missing', async () => {
    using publisher = client('publisher')
    const status = await unary(publisher, 'status', {})
    expect(status).toMatchObject({ zone: 'tianjin', position: world.size, fault: '', waiting: 0 })
    expect(status.missingPayloads).toEqual([`${world.origin('beijing')}/1`])
    expect(status.head.equals(world.head())).toBe(true)
    expect(status.zones).toMatchObject([
      { zone: 'beijing', newestLeafMs: BigInt(world.nowMs), size: 2n },
      { zone: 'tianjin', newestLeafMs: BigInt(world.nowMs), size: 1n },
      { zone: 'langfang', newestLeafMs: 0n, size: 0n },
    ])
  })

  it('tells the declarations in force, of one zone or of all', async () => {
    using publisher = client('publisher')
    const all = await unary(publisher, 'matrix', { receivingZone: '' })
    expect(all.rows.map(({ receivingZone, declaration }) => [receivingZone, declaration?.declarationId])).toEqual([
      ['tianjin', 'tianjin-1'],
    ])
    expect((await unary(publisher, 'matrix', { receivingZone: 'beijing' })).rows).toEqual([])
  })

  it('tells in which zones’ logs subject strings stand', async () => {
    using publisher = client('publisher')
    const known = licence.identifier.split('.').slice(0, -2).join('.')
    const { subjects, position } = await unary(publisher, 'subjects', { subjectStrings: [known, 'x', 'tianjin-1'] })
    expect(subjects.map(({ zones }) => zones)).toEqual([['beijing'], [], ['tianjin']])
    expect(position).toBe(world.size)
    const many = Array.from({ length: 257 }, (_, at) => `${at}`)
    await expect(unary(publisher, 'subjects', { subjectStrings: many })).rejects.toMatchObject({ exitCode: 2 })
  })

  it('answers the digest, and says so where it cannot yet', async () => {
    using auditor = client('auditor')
    const digest = await unary(auditor, 'digest', { position: 0n, from: 0n, count: 0n })
    expect(digest).toMatchObject({ position: world.size, rows: 3n, refusal: undefined })
    expect(digest.digest).toHaveLength(32)
    const later = await unary(auditor, 'digest', { position: world.size + 1n, from: 0n, count: 0n })
    expect(later.refusal).toMatchObject({ code: 'NOT_YET' })
  })

  it('gives an auditor every record back', async () => {
    using auditor = client('auditor')
    const records: LoggedRecord[] = []
    for await (const { record } of serverStream(auditor, 'read', { fromIndex: 1n })) {
      const reading = recordFromWire(record!)
      if (reading.kind === 'record') records.push(reading.record)
    }
    expect(records.map(({ kind }) => kind)).toEqual(['entry', 'entry', 'entry', 'head', 'cosigned'])
  })
})
