import type { AsOf, Verdict } from '@hutong/licence'
import {
  asOfToWire,
  type DigestResponse,
  type HistoryResponse,
  type LicenceEventsResponse,
  type MatrixResponse,
  VerifierServiceClient,
  type VerifierServiceStatusResponse,
  verdictFromWire,
} from '@hutong/wire'
import { contractBroken } from './call-error.ts'
import { ask, openPeer, type PeerCall, type PeerOptions } from './peer.ts'

/** What is asked about a licence. */
export interface Question {
  /** Licence identifier, character for character. */
  readonly identifier: string
  /** Matter code; empty asks for none. */
  readonly matter: string
  /** The presenter's number; absent where none was given. */
  readonly holderCode?: string
}

/** How a call is made, and up to when it asks; left out: about now. */
export interface AsOfCall extends PeerCall {
  readonly asOf?: AsOf | undefined
}

/** A zone's verifier, as its systems and auditors call it. Every method throws {CallError}. */
export interface VerifierClient extends Disposable {
  /** The verdict over a licence, here, for a matter. It is numbered nowhere: a window asks its counter. */
  verify(question: Question, options?: AsOfCall): Promise<Verdict>
  /** The events about a licence with positions, signers and times. */
  history(identifier: string, options?: AsOfCall): Promise<HistoryResponse>
  /**
   * Every event under the licence's leaf subject in its zone's log, as kept bytes. None is left out: what is too much for one answer is
   * refused, ANSWER_TOO_LARGE. Nothing in it is checked here.
   */
  licenceEvents(identifier: string, options?: AsOfCall): Promise<LicenceEventsResponse>
  /** The state digest of the first `position` leaves of H, 0 for all applied; with `count` the root over a slice of its rows. */
  digest(
    slice: { readonly position: bigint; readonly from?: bigint; readonly count?: bigint },
    options?: PeerCall,
  ): Promise<DigestResponse>
  /** How the verifier stands. */
  status(options?: PeerCall): Promise<VerifierServiceStatusResponse>
  /** The declarations in force; of all zones where none is named. */
  matrix(receivingZone: string, options?: AsOfCall): Promise<MatrixResponse>
}

/** @throws {RangeError} a token would travel unprotected beyond this machine. */
export function createVerifierClient(address: string, options: PeerOptions): VerifierClient {
  const peer = openPeer(VerifierServiceClient, address, options)
  const { client } = peer
  return {
    async verify({ identifier, matter, holderCode }, call) {
      const request = { identifier, matter, holderCode, fileSha256: Buffer.alloc(0), ...asOfIn(call) }
      const { verdict } = await ask(peer, client.verify, request, call)
      const reading = verdict === undefined ? undefined : verdictFromWire(verdict)
      // A verdict that is not understood in every part is shown in none: what is missing could be the check that failed.
      if (reading?.kind !== 'verdict')
        throw contractBroken(`a verdict that is not understood: ${reading?.why ?? 'none'}`)
      return reading.verdict
    },
    history: (identifier, call) => ask(peer, client.history, { identifier, ...asOfIn(call) }, call),
    licenceEvents: (identifier, call) => ask(peer, client.licenceEvents, { identifier, ...asOfIn(call) }, call),
    digest: ({ position, from = 0n, count = 0n }, call) => ask(peer, client.digest, { position, from, count }, call),
    status: (call) => ask(peer, client.status, {}, call),
    matrix: (receivingZone, call) => ask(peer, client.matrix, { receivingZone, ...asOfIn(call) }, call),
    [Symbol.dispose]: () => peer[Symbol.dispose](),
  }
}

function asOfIn({ asOf }: AsOfCall = {}): { readonly asOf?: ReturnType<typeof asOfToWire> } {
  return asOf === undefined ? {} : { asOf: asOfToWire(asOf) }
}
