/** How a counter paces itself, and whom it lets in. */
export interface CounterSettings {
  /** How long the zone's verifier may take; then the answer is UNDETERMINED, VERIFIER_AWAY. */
  readonly verifierLimitMs: number
  /**
   * Lets requests without a token in that come from this machine itself. Closed unless opened: for a box whose only clerk sits in
   * front of it.
   */
  readonly openOnLoopback: boolean
}

export const defaultSettings: CounterSettings = { verifierLimitMs: 2_500, openOnLoopback: false }
