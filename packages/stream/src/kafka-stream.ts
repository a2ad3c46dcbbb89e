import { type Admin, Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { StreamBrokenError, StreamClosedError, StreamFormatError, StreamUnavailableError } from './errors.ts'
import { streamErrorFromKafka } from './kafka-errors.ts'
import { KafkaReader } from './kafka-reader.ts'
import { KafkaWriter } from './kafka-writer.ts'
import { useZstd } from './kafka-zstd.ts'
import type { Stream } from './stream.ts'

export interface KafkaStreamOptions {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[]
  readonly topic: string
  /** Names this program to the brokers, and begins the names of its consumer groups. */
  readonly clientId: string
  /** Makes the topic when it is missing; absent: it has to be there. */
  readonly create?: { readonly replicas: number }
  /** PEM texts: whom to believe, and who we are. Absent: no TLS. */
  readonly tls?: { readonly ca: string; readonly certificate?: string; readonly key?: string }
  /** Name and password, SCRAM-SHA-512; only over TLS. */
  readonly sasl?: { readonly username: string; readonly password: string }
  /** Longest that an append waits before it throws {@link StreamUnavailableError}, in milliseconds. Default 30,000. */
  readonly appendLimitMs?: number
}

const retentionMs = 30 * 24 * 60 * 60 * 1000
const messageBytesMax = 2 * 1024 * 1024
const appendLimitDefaultMs = 30_000

/**
 * A topic of Kafka with one partition. Its id is that of the cluster and the name of the topic. A topic that was made
 * again under its name has the same id: offsets and, above all, the index inside the records tell it.
 *
 * @throws {StreamUnavailableError} no broker answers, or the topic is missing and is not to be made.
 * @throws {StreamBrokenError} we may not.
 * @throws {StreamFormatError} the topic has several partitions.
 */
export async function createKafkaStream(options: KafkaStreamOptions): Promise<Stream & AsyncDisposable> {
  if (options.sasl && !options.tls) throw new TypeError('a password goes to a broker over TLS only')
  useZstd()
  const { topic, clientId, appendLimitMs = appendLimitDefaultMs } = options
  const kafka = kafkaFrom(options)
  const cluster = new Cluster(kafka.admin({ retry: { retries: 2 } }), topic)
  try {
    await cluster.open(options.create)
  } catch (error) {
    await cluster.close()
    throw error
  }
  const ends = new Set<AsyncDisposable>()
  const opened = <End extends AsyncDisposable>(end: End): End => {
    if (cluster.isClosed) throw new StreamClosedError()
    ends.add(end)
    return end
  }
  return {
    id: `${cluster.id}/${topic}`,
    writer: async () => opened(new KafkaWriter({ kafka, topic, appendLimitMs })),
    reader: async () => opened(new KafkaReader({ kafka, topic, groupPrefix: clientId, cluster })),
    async [Symbol.asyncDispose]() {
      await Promise.all([...ends].map((end) => end[Symbol.asyncDispose]()))
      await cluster.close()
    },
  }
}

function kafkaFrom({ brokers, clientId, tls, sasl }: KafkaStreamOptions): Kafka {
  const mechanism = sasl && ({ mechanism: 'scram-sha-512', ...sasl } satisfies SASLOptions)
  return new Kafka({
    brokers: [...brokers],
    clientId,
    requestTimeout: 5_000,
    connectionTimeout: 3_000,
    // What matters comes as an exception; its lines would carry addresses and go past our log.
    logLevel: logLevel.NOTHING,
    ...(tls && {
      ssl: {
        ca: [tls.ca],
        ...(tls.certificate !== undefined && { cert: tls.certificate }),
        ...(tls.key !== undefined && { key: tls.key }),
      },
    }),
    ...(mechanism && { sasl: mechanism }),
  })
}

/** The cluster as its administrators see it: which one it is, where the topic begins and ends. */
class Cluster {
  readonly #admin: Admin
  readonly #topic: string
  #connected: Promise<void> | undefined
  #id: string | undefined
  isClosed = false

  constructor(admin: Admin, topic: string) {
    this.#admin = admin
    this.#topic = topic
  }

  get id(): string {
    return this.#id!
  }

  async open(create: KafkaStreamOptions['create']): Promise<void> {
    const topic = this.#topic
    this.#id = await this.#ask(async (admin) => (await admin.describeCluster()).clusterId)
    const topics = await this.#ask((admin) => admin.listTopics())
    if (!topics.includes(topic)) {
      if (!create) throw new StreamUnavailableError(`${topic}: there is no such topic`)
      await this.#ask((admin) => admin.createTopics({ waitForLeaders: true, topics: [settings(topic, create)] }))
    }
    await this.places()
  }

  /**
   * @throws {StreamBrokenError} another cluster answers than at first: offsets mean nothing there, and neither do the
   *   sequence numbers of a producer. A new process makes new ones.
   */
  async places(): Promise<{ readonly earliest: bigint; readonly end: bigint }> {
    const topic = this.#topic
    const { clusterId } = await this.#ask((admin) => admin.describeCluster())
    if (clusterId !== this.#id) throw new StreamBrokenError(`${topic}: another cluster answers, ${clusterId}`)
    const offsets = await this.#ask((admin) => admin.fetchTopicOffsets(topic))
    const [partition] = offsets
    if (!partition || offsets.length > 1) throw new StreamFormatError(`${topic}: ${offsets.length} partitions, not 1`)
    return { earliest: BigInt(partition.low), end: BigInt(partition.high) }
  }

  async close(): Promise<void> {
    this.isClosed = true
    // What cannot be said goodbye to is left all the same.
    await this.#admin.disconnect().catch(() => {})
  }

  async #ask<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    if (this.isClosed) throw new StreamClosedError()
    try {
      this.#connected ??= this.#admin.connect()
      await this.#connected
      return await question(this.#admin)
    } catch (error) {
      this.#connected = undefined
      throw streamErrorFromKafka(error, this.#topic)
    }
  }
}

// architecture, "Streams".
function settings(topic: string, { replicas }: { readonly replicas: number }) {
  const values = {
    'cleanup.policy': 'delete',
    'retention.ms': `${retentionMs}`,
    'max.message.bytes': `${messageBytesMax}`,
    'min.insync.replicas': `${Math.min(2, replicas)}`,
    'unclean.leader.election.enable': 'false',
  }
  const configEntries = Object.entries(values).map(([name, value]) => ({ name, value }))
  return { topic, numPartitions: 1, replicationFactor: replicas, configEntries }
}
