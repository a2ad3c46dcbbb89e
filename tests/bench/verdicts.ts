import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boxFileFromJson, boxFileName } from '@hutong/cli'
import { createVerifierClient } from '@hutong/sdk'
import { EchoCaller } from './echo-caller.ts'
import { type Line, median } from './measure.ts'
import { cpuMicroseconds, Processes, said } from './processes.ts'

const warmUpCalls = 2_000
const callsPerRound = 500
const rounds = 9
const startLimitMs = 60_000

/** A verdict over gRPC, one after the other, from a running box; beside it a bare gRPC echo, in turn. Latency as the caller sees it. */
export async function benchVerdicts(): Promise<readonly Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hutong-bench-'))
  try {
    await using processes = new Processes()
    const box = processes.start('deploy/main.ts', [
      '--data',
      folder,
      '--port',
      '0',
      '--zones',
      'beijing,tianjin,langfang',
    ])
    const [, identifier = '', zone = '', matter = ''] =
      /licence verify (\S+) --at-zone (\S+) --matter (\S+)/.exec(await said(box, 'dev stop hub', startLimitMs)) ?? []
    const file = boxFileFromJson(readFileSync(join(folder, boxFileName), 'utf8'))
    const token = file?.tokens[zone]?.client
    if (file === undefined || token === undefined) throw new Error('the box does not say how it is reached')
    using verifier = createVerifierClient(file.grpc, { token, zone })
    const verify = async () => {
      const { findings } = await verifier.verify({ identifier, matter })
      if (findings.word !== 'VALID') throw new Error(`${findings.word} ${findings.code}`)
    }

    await using echo = await EchoCaller.start()
    const callEcho = () => echo.call()
    await callAll(verify, warmUpCalls)
    await callAll(callEcho, warmUpCalls)

    const verdicts: number[] = []
    const echoes: number[] = []
    const before = cpuMicroseconds(box)
    for (let round = 0; round < rounds; round++) {
      verdicts.push(...(await callAll(verify, callsPerRound)))
      echoes.push(...(await callAll(callEcho, callsPerRound)))
    }
    const cpu = (cpuMicroseconds(box) - before) / (rounds * callsPerRound)
    const ratio = median(echoes) / median(verdicts)
    return [
      {
        what: 'a verdict over gRPC, median',
        figure: `${median(verdicts).toFixed(0)} µs`,
        floor: `a bare gRPC echo, ${median(echoes).toFixed(0)} µs`,
        ratio,
        asked: '',
        met: true,
      },
      {
        what: 'the box for one verdict',
        figure: `${cpu.toFixed(0)} µs of CPU`,
        floor: '',
        ratio: Number.NaN,
        asked: '',
        met: true,
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Microseconds of each call. */
async function callAll(call: () => Promise<void>, times: number): Promise<number[]> {
  const taken: number[] = []
  for (let at = 0; at < times; at++) {
    const started = performance.now()
    await call()
    taken.push((performance.now() - started) * 1000)
  }
  return taken
}
