/** What one thing costs: the median of several rounds, in microseconds of this process's CPU for each item. */
export interface Cost {
  readonly name: string
  readonly microseconds: number
}

/** One line of the table: a figure, what it is held against in the same run, and what was asked. */
export interface Line {
  readonly what: string
  readonly figure: string
  readonly floor: string
  readonly ratio: number
  readonly asked: string
  readonly met: boolean
}

/** Rounds of each measurement; the median is told. */
const measuredRounds = 15

/**
 * Runs the things in turn, A B A B …, so that a machine that drifts drifts for all of them, and tells the median CPU time of each for one
 * item. Each run does `items` items.
 */
export function measureInTurn(
  things: readonly { readonly name: string; readonly items: number; readonly run: () => void }[],
  rounds: number = measuredRounds,
): readonly Cost[] {
  for (const { run } of things) warmUp(run)
  const times = things.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, { items, run }] of things.entries()) {
      const before = process.cpuUsage()
      run()
      const { user, system } = process.cpuUsage(before)
      times[at]!.push((user + system) / items)
    }
  }
  return things.map(({ name }, at) => ({ name, microseconds: median(times[at]!) }))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** The just-in-time compiler must have settled: a service that has run for a second is what is measured, not its first batch. */
const warmUpMs = 1500

function warmUp(run: () => void): void {
  const end = performance.now() + warmUpMs
  while (performance.now() < end) run()
}
