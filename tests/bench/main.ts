import { cpus } from 'node:os'
import type { Line } from './measure.ts'
import { benchPublishing } from './publishing.ts'
import { benchVerdicts } from './verdicts.ts'
import { benchVerification } from './verification.ts'

/** `pnpm bench`: every figure beside its floor of the same run, as a table for the README. Exit code 1 where one misses what is asked. */
const lines: readonly Line[] = [...benchVerification(), ...(await benchPublishing()), ...(await benchVerdicts())]
print(lines)
process.exitCode = lines.every(({ met }) => met) ? 0 : 1

function print(table: readonly Line[]): void {
  const { length } = cpus()
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${length} cores, Node ${process.versions.node}\n`)
  console.log('| what | figure | held against, in the same run | ratio | asked |')
  console.log('|---|---|---|---|---|')
  for (const { what, figure, floor, ratio, asked, met } of table) {
    console.log(
      `| ${what} | ${figure} | ${floor} | ${Number.isNaN(ratio) ? '' : ratio.toFixed(2)}${met ? '' : ' (missed)'} | ${asked} |`,
    )
  }
}
