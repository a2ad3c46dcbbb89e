import { type Client, RefusedError, status, unary } from '@hutong/service'
import { asOfToWire, type VerifierServiceService, verdictFromWire } from '@hutong/wire'
import { type CounterVerifier, VerifierAwayError } from './counter.ts'

/** The zone's verifier behind its VerifierService. */
export function verifierOverGrpc(client: Client<typeof VerifierServiceService>, limitMs: number): CounterVerifier {
  return {
    async verify({ identifier, matter, holderCode, asOf }) {
      const holder = holderCode === undefined ? {} : { holderCode }
      const upTo = asOf === undefined ? {} : { asOf: asOfToWire(asOf) }
      const request = { identifier, matter, fileSha256: Buffer.alloc(0), ...holder, ...upTo }
      try {
        const { verdict } = await unary(client, 'verify', request, { deadlineMs: limitMs })
        const reading = verdict && verdictFromWire(verdict)
        if (reading?.kind === 'verdict') return reading
        throw new VerifierAwayError(`a verdict that is not understood: ${reading?.why ?? 'none'}`)
      } catch (error) {
        // A question that cannot be asked is the asker's to mend, and one that has no answer yet is the asker's to repeat; all else is ours.
        if (error instanceof RefusedError && isAskers(error.refusal)) {
          const { code, field = '', expected = '', zh, en } = error.refusal
          return { kind: 'refused', refusal: { code, field, expected, zh, en } }
        }
        throw error instanceof VerifierAwayError ? error : new VerifierAwayError('no answer', { cause: error })
      }
    },
  }
}

function isAskers({ grpc, code }: RefusedError['refusal']): boolean {
  return grpc === status.INVALID_ARGUMENT || grpc === status.OUT_OF_RANGE || code === 'NOT_YET'
}
