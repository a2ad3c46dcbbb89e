import {
  type ChartersResponse,
  type HeadsResponse,
  type InclusionProofResponse,
  type LogServiceAdoptResponse,
  LogServiceClient,
  type LogServiceStatusResponse,
  type ReadResponse,
  type ReceiptResponse,
} from '@hutong/wire'
import { answersOf, ask, openPeer, type PeerCall, type PeerOptions, streamDeadlineMs } from './peer.ts'

/** The hub's log, as members and auditors read it. Nothing it says is believed before it is checked. Every method throws {CallError}. */
export interface LogClient extends Disposable {
  /** The newest head and the newest cosigned one, as signed notes. */
  heads(options?: PeerCall): Promise<HeadsResponse>
  /** The charters from a number on. */
  charters(fromNumber: bigint, options?: PeerCall): Promise<ChartersResponse>
  /** The path from the leaf of H at `index` to the root of its first `size` leaves. */
  inclusionProof(index: bigint, size: bigint, options?: PeerCall): Promise<InclusionProofResponse>
  /** The receipt of an event. */
  receipt(origin: string, index: bigint, options?: PeerCall): Promise<ReceiptResponse>
  /** The records from an index of H on, and with `follow` what comes after them. Leaving the loop ends the call. */
  read(
    from: { readonly fromIndex: bigint; readonly follow?: boolean; readonly withoutPayloads?: boolean },
    options?: PeerCall,
  ): AsyncIterable<ReadResponse>
  /** How the log stands. */
  status(options?: PeerCall): Promise<LogServiceStatusResponse>
  /** Takes back from a zone's verifier what the log had signed and has lost (operator only). */
  adopt(fromZone: string, dryRun: boolean, options?: PeerCall): Promise<LogServiceAdoptResponse>
}

/** @throws {RangeError} a token would travel unprotected beyond this machine. */
export function createLogClient(address: string, options: PeerOptions): LogClient {
  const peer = openPeer(LogServiceClient, address, options)
  const { client } = peer
  return {
    heads: (call) => ask(peer, client.heads, {}, call),
    charters: (fromNumber, call) => ask(peer, client.charters, { fromNumber }, call),
    inclusionProof: (index, size, call) => ask(peer, client.inclusionProof, { index, size }, call),
    receipt: (origin, index, call) => ask(peer, client.receipt, { origin, index }, call),
    read({ fromIndex, follow = false, withoutPayloads = false }, call = {}) {
      const request = { fromIndex, follow, withoutPayloads }
      return answersOf(peer, client.read(request, ...peer.arguments(call, streamDeadlineMs)), call)
    },
    status: (call) => ask(peer, client.status, {}, call),
    adopt: (fromZone, dryRun, call) => ask(peer, client.adopt, { fromZone, dryRun }, call),
    [Symbol.dispose]: () => peer[Symbol.dispose](),
  }
}
