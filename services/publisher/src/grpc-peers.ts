import type { Refusal } from '@hutong/licence'
import { type Client, serverStream, unary } from '@hutong/service'
import { batchToWire, type LogServiceService, recordFromWire, type VerifierServiceService } from '@hutong/wire'
import { type Hub, HubMessageError, type ZoneVerifier } from './hub.ts'

/** The hub's log behind its gRPC service. `signal` ends every call. */
export function hubOverGrpc(client: Client<typeof LogServiceService>, deadlineMs: number, signal: AbortSignal): Hub {
  const options = { deadlineMs, signal }
  return {
    async known(origin) {
      const { clockMs, size, checkpoint } = await unary(client, 'known', { origin }, options)
      return { clockMs: Number(clockMs), size, checkpoint }
    },

    async append(batch) {
      const { outcome } = await unary(client, 'append', { batch: batchToWire(batch) }, options)
      switch (outcome?.$case) {
        case 'appended': {
          const { index, leaf, inclusionProof, head, clockMs } = outcome.value
          return { kind: 'appended', index, leaf, inclusionProof, head, clockMs: Number(clockMs) }
        }
        case 'refused': {
          const { refusal, clockMs } = outcome.value
          return { kind: 'refused', refusal: refusal ?? unnamedRefusal, clockMs: Number(clockMs) }
        }
        case undefined:
          throw new HubMessageError('Append: an answer without an outcome')
      }
    },

    charters: (fromNumber) => unary(client, 'charters', { fromNumber }, options),

    heads: () => unary(client, 'heads', {}, options),

    async *read(fromIndex) {
      const request = { fromIndex, follow: false, withoutPayloads: false }
      for await (const { record } of serverStream(client, 'read', request, { signal })) {
        if (record === undefined) continue
        const reading = recordFromWire(record)
        if (reading.kind === 'unreadable') throw new HubMessageError(`Read: ${reading.why}`)
        yield reading.record
      }
    },
  }
}

/** The zone's own verifier behind its gRPC service. */
export function verifierOverGrpc(
  client: Client<typeof VerifierServiceService>,
  deadlineMs: number,
  signal: AbortSignal,
): ZoneVerifier {
  const options = { deadlineMs, signal }
  return {
    async zonesOf(subjectStrings) {
      const { subjects } = await unary(client, 'subjects', { subjectStrings: [...subjectStrings] }, options)
      return subjects.map(({ zones }) => zones)
    },
    async head() {
      return (await unary(client, 'status', {}, options)).head
    },
  }
}

const unnamedRefusal: Refusal = {
  code: 'BATCH_REFUSED',
  field: '',
  expected: '',
  zh: '枢纽拒绝了该批',
  en: 'the hub refused the batch',
}
