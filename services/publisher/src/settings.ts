/** Whom a client may speak for: unified social credit codes of authorities, or every one of the zone. */
export type Authorities = 'all' | readonly string[]

/** What can be tuned. All times in milliseconds. */
export interface PublisherSettings {
  /** Each client by its name in the transport identity (its role where it has none). Whoever is not in it may publish nothing. */
  readonly clients: ReadonlyMap<string, Authorities>
  /** Events that wait to be sealed, at most; a request beyond is refused QUEUE_FULL. */
  readonly maxQueuedEvents: number
  /** Subjects kept folded in memory, at most. */
  readonly maxCachedSubjects: number
  /** First pause after a peer gave no answer; it doubles. */
  readonly initialRetryMs: number
  /** Longest such pause. */
  readonly maxRetryMs: number
  /** Longest wait for one answer of the hub. */
  readonly hubDeadlineMs: number
  /** Longest wait for one answer of the zone's verifier. */
  readonly verifierDeadlineMs: number
  /** How often the hub is asked for heads while a caller waits for WITNESSED. */
  readonly witnessPollMs: number
  /** How often the hub is asked for new charters and the newest head otherwise. */
  readonly hubPollMs: number
  /** How often it is looked whether a heartbeat is due. */
  readonly heartbeatCheckMs: number
  /** An answer leaves this long before the caller stops waiting. */
  readonly answerMarginMs: number
  /** Longest wait for a caller that named no deadline. */
  readonly maxWaitMs: number
}

export const defaultSettings: PublisherSettings = {
  clients: new Map(),
  maxQueuedEvents: 32_768,
  maxCachedSubjects: 8_192,
  initialRetryMs: 100,
  maxRetryMs: 2_000,
  hubDeadlineMs: 10_000,
  verifierDeadlineMs: 1_000,
  witnessPollMs: 50,
  hubPollMs: 2_000,
  heartbeatCheckMs: 500,
  answerMarginMs: 250,
  maxWaitMs: 30_000,
}
