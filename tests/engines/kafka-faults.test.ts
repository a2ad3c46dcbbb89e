import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Stream, StreamBrokenError, StreamUnavailableError } from '@hutong/stream'
import { createKafkaStream } from '@hutong/stream/kafka'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../constellation/until.ts'
import { fetchJars } from './jars.ts'
import {
  emptyKafkaFolder,
  freePort,
  type KafkaBroker,
  kafkaBrokerLabel,
  killKafkaBroker,
  startKafkaBroker,
} from './kafka/broker.ts'
import { kafkaJars } from './kafka/jars.ts'
import { type KafkaProxy, startKafkaProxy } from './kafka/proxy.ts'
import { status } from './kafka.ts'

// A broker of this file's own is frozen and killed, never the one that others test on; only where `pnpm engines up` has
// been asked for, since nothing here may start Java or fetch a jar by itself.
const isAskedFor = (await status()).kind === 'up'

describe(`a stream in a Kafka that misbehaves [${kafkaBrokerLabel}]`, () => {
  let folder: string
  let broker: KafkaBroker
  let proxy: KafkaProxy
  let proxyPort: number

  beforeAll(async () => {
    if (!isAskedFor) return
    folder = await mkdtemp(join(tmpdir(), 'hutong-kafka-'))
    proxyPort = await freePort()
    await start()
    proxy = await startKafkaProxy(proxyPort, broker.port)
  })
  afterAll(async () => {
    if (!isAskedFor) return
    await proxy[Symbol.asyncDispose]()
    await killKafkaBroker(broker)
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach((ctx) => {
    if (!isAskedFor) ctx.skip('no Kafka of its own: `pnpm engines up` first')
  })

  const start = async (port?: number) => {
    const at = port === undefined ? {} : { port }
    broker = await startKafkaBroker({ jars: await fetchJars(kafkaJars), folder, advertisedPort: proxyPort, ...at })
  }
  const open = (appendLimitMs?: number) =>
    createKafkaStream({
      brokers: [`127.0.0.1:${proxyPort}`],
      topic: `hutong_test_${randomUUID()}`,
      clientId: 'hutong_test',
      create: { replicas: 1 },
      ...(appendLimitMs !== undefined && { appendLimitMs }),
    })

  it('appends whose acknowledgements are lost are in once and in order, also those made without waiting (X3)', async () => {
    await using stream = await open()
    await using writer = await stream.writer()
    const before = proxy.dropped()
    const texts = Array.from({ length: 40 }, (_, at) => `${at}`)
    for (let at = 0; at < texts.length; at += 10) {
      proxy.dropNextAcknowledgement()
      await Promise.all(texts.slice(at, at + 10).map((text) => writer.append([Buffer.from(text)])))
    }
    expect(proxy.dropped() - before).toBe(4)
    expect(await textsOf(stream)).toEqual(texts)
  })

  it('an acknowledgement is lost and no broker answers for 12 s: the record is in once (X3)', async () => {
    await using stream = await open(60_000)
    await using writer = await stream.writer()
    await writer.append([Buffer.from('before')])
    proxy.dropNextAcknowledgement(12_000)
    await Promise.all(['in doubt', 'after'].map((text) => writer.append([Buffer.from(text)])))
    expect(await textsOf(stream)).toEqual(['before', 'in doubt', 'after'])
  })

  it('frozen: an append says in time that it is in doubt; made again after the thaw it is in once (X3)', async () => {
    await using stream = await open(1_000)
    await using writer = await stream.writer()
    await until(
      'the first append',
      () => writer.append([Buffer.from('before')]),
      () => true,
    )
    broker.process.kill('SIGSTOP')
    try {
      await expect(writer.append([Buffer.from('in doubt')])).rejects.toThrow(StreamUnavailableError)
    } finally {
      broker.process.kill('SIGCONT')
    }
    await until(
      'an append after the thaw',
      () => writer.append([Buffer.from('in doubt')]),
      () => true,
    )
    expect(await textsOf(stream)).toEqual(['before', 'in doubt'])
  })

  it('killed and started anew: nothing acknowledged is lost, and writing goes on (X3)', async () => {
    await using stream = await open(60_000)
    await using writer = await stream.writer()
    await writer.append([Buffer.from('before')])
    await killKafkaBroker(broker)
    const during = writer.append([Buffer.from('during')])
    await start(broker.port)
    await during
    expect(await textsOf(stream)).toEqual(['before', 'during'])
  })

  it('started anew without its data it is another cluster, and nothing of it is believed (X4)', async () => {
    await using stream = await open()
    await using reader = await stream.reader()
    expect(await reader.end()).toBe(0n)
    await killKafkaBroker(broker)
    await emptyKafkaFolder(folder)
    await start(broker.port)
    const { answer } = await until(
      'the other cluster',
      () => reader.end().catch((error: unknown) => error),
      (error) => !(error instanceof StreamUnavailableError),
    )
    expect(answer).toBeInstanceOf(StreamBrokenError)
  })
})

// A broker that has just begun may have no coordinator yet: unavailable, until it has.
async function textsOf(stream: Stream): Promise<string[]> {
  const { answer } = await until(
    'the records',
    () => readAll(stream),
    () => true,
  )
  return answer
}

async function readAll(stream: Stream): Promise<string[]> {
  await using reader = await stream.reader()
  const end = await reader.end()
  const texts: string[] = []
  for await (const batch of reader.read(0n, AbortSignal.timeout(30_000))) {
    texts.push(...batch.map(({ value }) => Buffer.from(value).toString()))
    if (BigInt(texts.length) >= end) break
  }
  return texts
}
