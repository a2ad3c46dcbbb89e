import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { boxFileFromJson, boxFileName } from '@hutong/cli'
import { createVerifierClient } from '@hutong/sdk'
import { echoService } from './echo-service.ts'
import { type Line, median } from './measure.ts'
import { cpuMicroseconds, Processes, said } from './processes.ts'

const warmUpCalls = 2_000
const callsPerRound = 500
const rounds = 9
const startLimitMs = 60_000
/** About the size of a question. */
const echoedBytes = 120

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

    const echoProcess = processes.start('tests/bench/echo.ts', [])
    const [, port = ''] = /listening on (\d+)\./.exec(await said(echoProcess, '.', startLimitMs)) ?? []
    const echo = echoCaller(`127.0.0.1:${port}`)
    await callAll(verify, warmUpCalls)
    await callAll(echo.call, warmUpCalls)

    const verdicts: number[] = []
    const echoes: number[] = []
    const before = cpuMicroseconds(box)
    for (let round = 0; round < rounds; round++) {
      verdicts.push(...(await callAll(verify, callsPerRound)))
      echoes.push(...(await callAll(echo.call, callsPerRound)))
    }
    const cpu = (cpuMicroseconds(box) - before) / (rounds * callsPerRound)
    echo.close()
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

function echoCaller(address: string): { readonly call: () => Promise<void>; readonly close: () => void } {
  const Client = makeGenericClientConstructor(echoService, 'Echo')
  const client = new Client(address, credentials.createInsecure())
  const message = Buffer.alloc(echoedBytes, 'echo')
  const { path, requestSerialize, responseDeserialize } = echoService.echo
  const call = () =>
    new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        { deadline: Date.now() + 5_000 },
        (error) => (error === null ? resolve() : reject(error)),
      )
    })
  return { call, close: () => client.close() }
}
