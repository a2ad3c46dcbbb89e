import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import type { LicenceSuspended } from '@hutong/licence'
import {
  type PublisherServiceServer,
  PublisherServiceService,
  type PublishRequest,
  type PublishResponse,
  Stage,
} from '@hutong/wire'
import { afterEach, describe, expect, it } from 'vitest'
import { CallError } from './call-error.ts'
import { createPublisherClient, type PublisherClient, type ToPublish } from './publisher-client.ts'

// A server of grpc-js itself, so that what crosses the wire is not judged by our own shell.

type Answer = (request: PublishRequest) => PublishResponse | { readonly code: status; readonly details: string }

let server: Server | undefined
let client: PublisherClient | undefined
let seen: { authorization: unknown; zone: unknown } | undefined

afterEach(() => {
  client?.[Symbol.dispose]()
  server?.forceShutdown()
})

async function clientOf(answer: Answer): Promise<PublisherClient> {
  const own = new Server()
  const refuse = (): never => {
    throw new Error('not asked in this test')
  }
  const routes: PublisherServiceServer = {
    publish: (call, callback) => {
      seen = { authorization: call.metadata.get('authorization')[0], zone: call.metadata.get('hutong-zone')[0] }
      const told = answer(call.request)
      if ('outcomes' in told) callback(null, told)
      else callback(told)
    },
    publishStream: (call) => {
      call.on('data', (request: PublishRequest) => {
        const told = answer(request)
        if ('outcomes' in told) call.write(told)
        else call.emit('error', Object.assign(new Error(told.details), told))
      })
      call.on('end', () => call.end())
      // Who is cut off by his caller hears of it as an error.
      call.on('error', () => {})
    },
    status: refuse,
    adopt: refuse,
  }
  own.addService(PublisherServiceService, { ...routes })
  const port = await new Promise<number>((resolve, reject) =>
    own.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  server = own
  client = createPublisherClient(`127.0.0.1:${port}`, { token: 'a token', zone: 'beijing' })
  return client
}

const event: LicenceSuspended = {
  kind: 'licence_suspended',
  identifier: 'i',
  authority: 'a',
  reason: '',
  decidedOn: '',
}
const item = (requestId: string): ToPublish => ({ requestId, event })

function published(requestId: string, stage: Stage = Stage.STAGE_SEQUENCED): PublishResponse['outcomes'][number] {
  const leafHash = Buffer.alloc(32, 7)
  const value = { origin: 'o', index: 3n, leafHash, stage, position: 5n, duplicate: false }
  return { requestId, outcome: { $case: 'published', value } }
}

const echo: Answer = ({ items }) => ({ outcomes: items.map(({ requestId }) => published(requestId)) })

describe('publishing', () => {
  it('says who asks and for which zone, and gives an outcome for each event', async () => {
    const publisher = await clientOf(({ items }) => ({
      outcomes: [
        published(items[0]!.requestId, Stage.STAGE_WITNESSED),
        {
          requestId: items[1]!.requestId,
          outcome: {
            $case: 'refusal',
            value: { code: 'CONFLICT', field: 'f', expected: 'e', zh: '冲突', en: 'conflict' },
          },
        },
      ],
    }))
    expect(await publisher.publish([item('1'), item('2')], { waitFor: 'witnessed' })).toMatchObject([
      { kind: 'published', requestId: '1', origin: 'o', index: 3n, position: 5n, stage: 'witnessed', duplicate: false },
      { kind: 'refused', requestId: '2', refusal: { code: 'CONFLICT', zh: '冲突' } },
    ])
    expect(seen).toEqual({ authorization: 'Bearer a token', zone: 'beijing' })
  })

  it.each([
    ['an outcome too few', () => ({ outcomes: [] })],
    ['an outcome of another request', () => ({ outcomes: [published('another')] })],
    ['a stage nobody knows', () => ({ outcomes: [published('1', 9 as Stage)] })],
    ['an outcome that says nothing', () => ({ outcomes: [{ requestId: '1', outcome: undefined }] })],
  ] as const)('believes no publisher that gives %s', async (_what, answer) => {
    const publisher = await clientOf(answer as Answer)
    await expect(publisher.publish([item('1')])).rejects.toMatchObject({ kind: 'failed', code: 'CONTRACT_BROKEN' })
  })

  it.each([
    [{ code: status.UNAVAILABLE, details: 'ZONE_NOT_RUNNING: away' }, 'unavailable', 'ZONE_NOT_RUNNING'],
    [{ code: status.PERMISSION_DENIED, details: 'NOT_AUTHORISED: no' }, 'refused', 'NOT_AUTHORISED'],
    [{ code: status.PERMISSION_DENIED, details: 'no' }, 'failed', 'PERMISSION_DENIED'],
    [{ code: status.INTERNAL, details: 'INTERNAL_ERROR: x' }, 'failed', 'INTERNAL_ERROR'],
  ])('tells %o as an error of its kind', async (told, kind, code) => {
    const publisher = await clientOf(() => told)
    await expect(publisher.publish([item('1')])).rejects.toMatchObject({ name: 'CallError', kind, code })
  })

  it('tells a publisher that is not there as unavailable', async () => {
    const publisher = await clientOf(echo)
    server!.forceShutdown()
    await expect(publisher.publish([item('1')], { deadlineMs: 500 })).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('sends no token beyond this machine without transport security', () => {
    expect(() => createPublisherClient('192.0.2.1:4980', { token: 't' })).toThrow(RangeError)
  })
})

describe('publishing in a stream', () => {
  it('answers each list in its order', async () => {
    const publisher = await clientOf(echo)
    const lists = Array.from({ length: 50 }, (_, at) => [item(`${at}a`), item(`${at}b`)])
    const ids: string[] = []
    for await (const outcomes of publisher.publishStream(lists)) ids.push(...outcomes.map((one) => one.requestId))
    expect(ids).toEqual(lists.flat().map(({ requestId }) => requestId))
  })

  it('throws what its source throws', async () => {
    const publisher = await clientOf(echo)
    async function* lists(): AsyncGenerator<readonly ToPublish[]> {
      yield [item('1')]
      throw new TypeError('the source broke')
    }
    const read = async () => {
      for await (const _ of publisher.publishStream(lists()));
    }
    await expect(read()).rejects.toThrow('the source broke')
  })

  it('throws where the publisher ends it', async () => {
    const publisher = await clientOf(() => ({ code: status.UNAVAILABLE, details: 'SHUTTING_DOWN: stops' }))
    const read = async () => {
      for await (const _ of publisher.publishStream([[item('1')]]));
    }
    await expect(read()).rejects.toThrow(CallError)
  })

  it('ends when who reads it leaves', async () => {
    const publisher = await clientOf(echo)
    async function* endless(): AsyncGenerator<readonly ToPublish[]> {
      for (let at = 0; ; at++) yield [item(String(at))]
    }
    for await (const [first] of publisher.publishStream(endless())) {
      expect(first).toMatchObject({ requestId: '0' })
      break
    }
  })
})
