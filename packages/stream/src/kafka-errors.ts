import { StreamBrokenError, StreamUnavailableError } from './errors.ts'

/** What a failed send asks of the writer. */
export type SendReaction = 'repeat' | 'new_producer' | 'stop'

/**
 * `repeat` unless the broker says that it cannot place this producer's sequence (then a new producer), or that no
 * repetition will be let in (then stop). A connection error is never a reason for a new producer: it would double the
 * record in doubt.
 */
export function reactionToSend(error: unknown): SendReaction {
  const types = kafkaErrorTypes(error)
  if (types.some((type) => stopping.has(type))) return 'stop'
  return types.some((type) => sequenceLost.has(type)) ? 'new_producer' : 'repeat'
}

/** What the caller hears: {@link StreamBrokenError} where repeating is no use, else {@link StreamUnavailableError}. */
export function streamErrorFromKafka(error: unknown, topic: string): Error {
  const message = `${topic}: ${error instanceof Error ? error.message : error}`
  const stop = kafkaErrorTypes(error).some((type) => stopping.has(type))
  return stop ? new StreamBrokenError(message, { cause: error }) : new StreamUnavailableError(message, { cause: error })
}

// Names of the Kafka protocol's error codes (kafka.apache.org/protocol, "Error Codes").
const sequenceLost: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
])
const stopping: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
])

/** How deep a chain of causes is followed; kafkajs makes no more than four. */
const causesMax = 16

// kafkajs calls much of what passes KafkaJSNonRetriableError: only the `type` of what lies below it tells what it was.
function kafkaErrorTypes(error: unknown): string[] {
  const types: string[] = []
  const waiting: unknown[] = [error]
  for (let seen = 0; waiting.length > 0 && seen < causesMax; seen++) {
    const next = waiting.shift()
    if (typeof next !== 'object' || next === null) continue
    const { type, cause, originalError, errors } = next as Record<string, unknown>
    if (typeof type === 'string') types.push(type)
    waiting.push(cause, originalError, ...(Array.isArray(errors) ? errors : []))
  }
  return types
}
