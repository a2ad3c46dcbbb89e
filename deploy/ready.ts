import { setTimeout as pause } from 'node:timers/promises'
import { CallError, createVerifierClient } from '@hutong/sdk'
import type { RunningBox } from './local.ts'

const pollPaceMs = 100
const callDeadlineMs = 2_000

/**
 * Resolves when every zone's verifier holds, under a cosigned head, a leaf of this run from every zone: before, the first verdict after a
 * night would be UNDETERMINED. Waits as long as it takes; `onWaiting` is told who is still missing.
 */
export async function whenReady(
  box: RunningBox,
  signal: AbortSignal,
  onWaiting: (missing: readonly string[]) => void = () => {},
): Promise<void> {
  for (;;) {
    const missing = await Promise.all(box.zones.map(async (zone) => ((await isReady(box, zone, signal)) ? [] : [zone])))
    if (missing.flat().length === 0) return
    onWaiting(missing.flat())
    await pause(pollPaceMs, undefined, { signal })
  }
}

async function isReady(box: RunningBox, zone: string, signal: AbortSignal): Promise<boolean> {
  using verifier = createVerifierClient(box.grpcAddress, { zone, token: box.tokens.of('hub', 'auditor') })
  try {
    const { zones } = await verifier.status({ deadlineMs: callDeadlineMs, signal })
    return box.zones.every((one) => {
      const newest = zones.find((age) => age.zone === one)
      return newest !== undefined && Number(newest.newestLeafMs) >= box.startedMs
    })
  } catch (error) {
    if (error instanceof CallError && error.kind === 'unavailable') return false
    throw error
  }
}
