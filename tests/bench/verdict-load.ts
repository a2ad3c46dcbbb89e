import { demonstrationMatters } from '@hutong/deploy'
import type { LicenceIssued } from '@hutong/licence'
import { createVerifierClient } from '@hutong/sdk'
import type { BenchBox } from './bench-box.ts'
import { EchoCaller } from './echo-caller.ts'
import { median } from './measure.ts'

const atOnce = 16

/** How a zone answers about licences it was not asked about before. */
export interface Answered {
  readonly medianMicroseconds: number
  readonly p99Microseconds: number
  readonly perSecond: number
  /** A bare gRPC echo between the verdicts. */
  readonly echoMicroseconds: number
}

/** Asks about half of them one after the other, an echo after each, and about the others several at once. Every verdict must be VALID. */
export async function askVerdicts(box: BenchBox, zone: string, licences: readonly LicenceIssued[]): Promise<Answered> {
  using verifier = createVerifierClient(box.address, { token: box.token(zone), zone })
  await using echo = await EchoCaller.start()
  const verify = async (licence: LicenceIssued) => {
    const { identifier, licenceType } = licence
    const matter = demonstrationMatters().find(({ materials }) => materials.includes(licenceType))!.code
    const { findings } = await verifier.verify({ identifier, matter })
    if (findings.word !== 'VALID') throw new Error(`${findings.word} ${findings.code}`)
  }
  const verdicts: number[] = []
  const echoes: number[] = []
  const half = Math.floor(licences.length / 2)
  for (const licence of licences.slice(0, half)) {
    verdicts.push(await microseconds(() => verify(licence)))
    echoes.push(await microseconds(() => echo.call()))
  }
  const startedMs = performance.now()
  const left = licences.slice(half)
  const askOn = async () => {
    for (let licence = left.pop(); licence !== undefined; licence = left.pop()) await verify(licence)
  }
  await Promise.all(Array.from({ length: atOnce }, askOn))
  return {
    medianMicroseconds: median(verdicts),
    p99Microseconds: verdicts.toSorted((left, right) => left - right)[Math.floor(half * 0.99)]!,
    perSecond: (licences.length - half) / ((performance.now() - startedMs) / 1000),
    echoMicroseconds: median(echoes),
  }
}

async function microseconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) * 1000
}
