/** The bounds of a batch (formats F7). */
export const batchLimits: {
  /** Entries of one batch, at most. */
  readonly entries: number
  /** The whole batch encoded, in bytes, at most. */
  readonly bytes: number
  /** The zone's signed note, in bytes, at most: it travels on inside a leaf of H, which ends at 65535 bytes. */
  readonly checkpointBytes: number
  /** Origin of a log, in bytes, at most. */
  readonly originBytes: number
  /** All entries of a batch together as `batchSizeBytes` counts them, at most: what origin, index and note leave free. */
  readonly entriesBytes: number
  /** One payload, in bytes, at most. */
  readonly payloadBytes: number
  /** One leaf, in bytes, at most. */
  readonly leafBytes: number
} = {
  entries: 256,
  bytes: 900 * 1024,
  checkpointBytes: 16 * 1024,
  originBytes: 256,
  entriesBytes: 883 * 1024,
  payloadBytes: 48 * 1024,
  leafBytes: 65_535,
}

/** Length of the salt of a payload commitment, in bytes. */
export const saltBytes = 32
