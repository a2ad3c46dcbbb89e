import { charterPolicy, type Policy } from '@hutong/verify'

/** How a verifier paces itself. */
export interface VerifierSettings {
  /** First wait before a peer that was away is asked again; doubled up to `maxRetryMs`. */
  readonly initialRetryMs: number
  readonly maxRetryMs: number
  /** A stream that says nothing for so long is doubted: the hub is asked whether there is more. */
  readonly streamSilenceMs: number
  /** Whatever the store does, `Verify` answers within this. */
  readonly verifyLimitMs: number
  /** Questions being looked up at once at most, those included that were answered when their time was up and hang on the store yet. */
  readonly verifyRunningMax: number
  /** Folded licences held in memory at most. */
  readonly foldsKeptMax: number
  /** First wait before a missing payload is asked for again; doubled up to `maxMissingRetryMs`. */
  readonly initialMissingRetryMs: number
  readonly maxMissingRetryMs: number
  /** The receiving zone's own rules on top of the charter's. */
  readonly policy: Policy
}

export const defaultSettings: VerifierSettings = {
  initialRetryMs: 100,
  maxRetryMs: 2_000,
  streamSilenceMs: 10_000,
  verifyLimitMs: 2_000,
  verifyRunningMax: 256,
  foldsKeptMax: 10_000,
  initialMissingRetryMs: 1_000,
  maxMissingRetryMs: 60_000,
  policy: charterPolicy,
}
