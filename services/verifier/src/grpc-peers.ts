import { bidi, type Client, serverStream, unary } from '@hutong/service'
import {
  type CosignResponse,
  type LoggedRecord,
  type LogServiceService,
  type PublisherServiceService,
  recordFromWire,
} from '@hutong/wire'
import type { Hub, OwnPublisher, WitnessAnswer, WitnessLine } from './peers.ts'

/** The hub behind its LogService. */
export function hubOverGrpc(client: Client<typeof LogServiceService>): Hub {
  return {
    async *read(fromIndex, follow, signal): AsyncGenerator<LoggedRecord | undefined> {
      const request = { fromIndex, follow, withoutPayloads: false }
      for await (const { record } of serverStream(client, 'read', request, { signal })) {
        const reading = record && recordFromWire(record)
        yield reading?.kind === 'record' ? reading.record : undefined
      }
    },
    heads: (signal) => unary(client, 'heads', {}, { signal }),
    async consistencyProof(oldSize, newSize, signal) {
      return (await unary(client, 'consistencyProof', { oldSize, newSize }, { signal })).proof
    },
    cosign: (signal) => witnessLine(client, signal),
  }
}

/** The zone's own publisher behind its PublisherService. */
export function publisherOverGrpc(client: Client<typeof PublisherServiceService>): OwnPublisher {
  return {
    observedHead: async (signal) => (await unary(client, 'status', {}, { signal })).observedHead,
  }
}

function witnessLine(client: Client<typeof LogServiceService>, signal: AbortSignal): WitnessLine {
  const line = bidi(client, 'cosign', { signal })
  return {
    hello({ name, head, clockMs }) {
      const value = { name, head: Buffer.from(head), clockMs: BigInt(clockMs) }
      return line.send({ message: { $case: 'hello', value } })
    },
    send: (note) => line.send({ message: { $case: 'cosignedHead', value: Buffer.from(note) } }),
    answers: answersOf(line.responses),
  }
}

async function* answersOf(responses: AsyncIterable<CosignResponse>): AsyncGenerator<WitnessAnswer> {
  for await (const { message } of responses) {
    switch (message?.$case) {
      case 'welcome':
        yield { kind: 'welcome' }
        break
      case 'takenSize':
        yield { kind: 'taken', size: message.value }
        break
      case 'refusal':
        yield { kind: 'refused', code: message.value.code }
        break
      case undefined:
        // Something a newer hub says: nothing for this witness.
        break
    }
  }
}
