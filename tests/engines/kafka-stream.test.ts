import { randomUUID } from 'node:crypto'
import { describeStreamContract } from '@hutong/stream/contract'
import { createKafkaStream } from '@hutong/stream/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { it } from 'vitest'
import { findKafka } from './kafka/engine.ts'

const engine = await findKafka()

if (engine.kind === 'absent') {
  it('the kafka stream keeps the contract of a stream', (ctx) => ctx.skip(engine.reason))
} else {
  const { broker, label } = engine
  console.info(`kafka stream: ${label}`)

  describeStreamContract(`the kafka stream [${label}]`, async () => {
    const topic = `hutong_test_${randomUUID()}`
    const open = () => createKafkaStream({ brokers: [broker], topic, clientId: 'hutong_test', create: { replicas: 1 } })
    const streams = [await open()]
    const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    return {
      stream: streams[0]!,
      async forgetAll() {
        const [partition] = await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: partition!.high }] })
      },
      async reopen() {
        await streams.at(-1)![Symbol.asyncDispose]()
        streams.push(await open())
        return streams.at(-1)!
      },
      async dispose() {
        await streams.at(-1)![Symbol.asyncDispose]()
        await admin.deleteTopics({ topics: [topic] })
        await admin.disconnect()
      },
    }
  })
}
