import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type BoxFile, boxFileFromJson, boxFileName } from '@hutong/cli'
import { createLogClient, createPublisherClient, createVerifierClient, type ToPublish } from '@hutong/sdk'
import { cpuMicroseconds, Processes, said } from './processes.ts'

const startLimitMs = 600_000
const catchUpLimitMs = 3_600_000
const watchPaceMs = 1_000
const sayPaceMs = 15_000
const publishDeadlineMs = 3_600_000
/** As docs/decisions/0009 says a busy service is started. */
const busyOptions = '--max-semi-space-size=32'

/** Lists of one zone that wait for their answers, at most: on a busy machine more would wait longer than the publisher lets them. */
const listsOnTheirWayMax = 8

/** What a stretch of work cost the process of the box. */
export interface Watched {
  readonly seconds: number
  readonly cpuMicroseconds: number
  readonly residentMaxBytes: number
  /** Median of the second tenth of the time, after everything has been compiled and filled. */
  readonly residentEarlyBytes: number
  /** Median of the last tenth. */
  readonly residentLateBytes: number
}

/** A box in a process of its own over one data directory, and what can be seen of it from outside. */
export class BenchBox implements AsyncDisposable {
  readonly #folder: string
  readonly #zones: string
  #processes = new Processes()
  #process: ChildProcess | undefined
  #file: BoxFile | undefined

  constructor(folder: string, zones: string) {
    this.#folder = folder
    this.#zones = zones
  }

  get zones(): readonly string[] {
    return this.#box.zones
  }

  get address(): string {
    return this.#box.grpc
  }

  /** Seconds until it is ready. */
  async start(): Promise<number> {
    const startedMs = performance.now()
    const args = ['--data', this.#folder, '--port', '0', '--zones', this.#zones]
    const options = [busyOptions, process.env.BENCH_BOX_NODE_OPTIONS ?? ''].join(' ').trim()
    this.#process = this.#processes.start('deploy/main.ts', args, { NODE_OPTIONS: options })
    await said(this.#process, 'ready:', startLimitMs)
    this.#file = boxFileFromJson(readFileSync(join(this.#folder, boxFileName), 'utf8'))
    return (performance.now() - startedMs) / 1000
  }

  /** Seconds until it has ended. */
  async stop(): Promise<number> {
    const startedMs = performance.now()
    await this.#processes[Symbol.asyncDispose]()
    this.#processes = new Processes()
    return (performance.now() - startedMs) / 1000
  }

  token(zone: string): string {
    const token = this.#box.tokens[zone]?.client
    if (token === undefined) throw new Error(`the box has no zone ${zone}`)
    return token
  }

  /**
   * Publishes all of it, some lists on their way at a time. Each answer says SEQUENCED, or SEALED where the publisher's patience ended
   * first: such an event is on its way, and `sequenced` waits for it.
   */
  async publish(zone: string, lists: Iterable<readonly ToPublish[]>): Promise<void> {
    using client = createPublisherClient(this.address, { token: this.token(zone), zone })
    const window = new Window(listsOnTheirWayMax)
    for await (const outcomes of client.publishStream(window.through(lists), { deadlineMs: publishDeadlineMs })) {
      window.answered()
      for (const outcome of outcomes) {
        if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.refusal.code} ${outcome.refusal.field}`)
      }
    }
  }

  /** Until every event is SEQUENCED. */
  async sequenced(): Promise<void> {
    const end = performance.now() + catchUpLimitMs
    for (const zone of this.zones) {
      using publisher = createPublisherClient(this.address, { token: this.token(zone), zone })
      while ((await publisher.status()).outbox > 0) {
        if (performance.now() > end) throw new Error(`${zone} does not get its batches answered`)
        await pause(100)
      }
    }
  }

  /** Until every event is SEQUENCED, and every verifier holds it and knows it to be witnessed. */
  async caughtUp(): Promise<void> {
    await this.sequenced()
    const token = this.#box.tokens.hub?.auditor ?? ''
    using log = createLogClient(this.address, { token: this.#box.tokens.hub?.operator ?? '' })
    const { size } = await log.status()
    const end = performance.now() + catchUpLimitMs
    for (const zone of this.zones) {
      using verifier = createVerifierClient(this.address, { token, zone })
      while (witnessedSize(await verifier.status()) < size) {
        if (performance.now() > end) throw new Error(`${zone} does not catch up`)
        await pause(100)
      }
    }
  }

  /** Looks at the process from now on. */
  watch(say: (text: string) => void): { readonly seconds: () => number; readonly end: () => Watched } {
    const child = this.#running
    const startedMs = performance.now()
    const cpuBefore = cpuMicroseconds(child)
    const resident: number[] = []
    const timer = setInterval(() => {
      resident.push(residentBytes(child.pid).now)
      if ((resident.length * watchPaceMs) % sayPaceMs !== 0) return
      const cpu = (cpuMicroseconds(child) - cpuBefore) / 1e6
      say(
        `${Math.round(resident.at(-1)! / 1024 ** 2)} MiB, ${cpu.toFixed(0)} s of CPU, data ${Math.round(this.bytes() / 1024 ** 2)} MiB`,
      )
    }, watchPaceMs)
    const seconds = () => (performance.now() - startedMs) / 1000
    const end = (): Watched => {
      clearInterval(timer)
      resident.push(residentBytes(child.pid).now)
      const tenth = (at: number) =>
        median(resident.slice(Math.floor((at * resident.length) / 10), Math.ceil(((at + 1) * resident.length) / 10)))
      return {
        seconds: seconds(),
        cpuMicroseconds: cpuMicroseconds(child) - cpuBefore,
        residentMaxBytes: Math.max(...resident),
        residentEarlyBytes: tenth(1),
        residentLateBytes: tenth(9),
      }
    }
    return { seconds, end }
  }

  /** `hutong audit replay` beside the box. */
  async replay(): Promise<{ readonly seconds: number; readonly residentMaxBytes: number }> {
    const startedMs = performance.now()
    const cli = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [cli, 'audit', 'replay', '--data', this.#folder], {
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    let residentMaxBytes = 0
    const timer = setInterval(() => {
      residentMaxBytes = Math.max(residentMaxBytes, residentBytes(child.pid).most)
    }, watchPaceMs)
    const exitCode = await new Promise((resolve) => child.once('exit', resolve))
    clearInterval(timer)
    if (exitCode !== 0) throw new Error(`the replay ended with exit code ${exitCode}`)
    return { seconds: (performance.now() - startedMs) / 1000, residentMaxBytes }
  }

  /** Bytes of all files of the data directory. */
  bytes(): number {
    return readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #box(): BoxFile {
    if (this.#file === undefined) throw new Error('the box does not say how it is reached')
    return this.#file
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error('the box is not started')
    return this.#process
  }
}

/** Lets so many pass that are not answered. */
class Window {
  #room: number
  #waiting: (() => void) | undefined

  constructor(size: number) {
    this.#room = size
  }

  answered(): void {
    this.#room += 1
    this.#waiting?.()
  }

  async *through<T>(items: Iterable<T>): AsyncGenerator<T> {
    for (const item of items) {
      if (this.#room === 0) {
        await new Promise<void>((resolve) => {
          this.#waiting = resolve
        })
      }
      this.#room -= 1
      yield item
    }
  }
}

/** Resident memory of a process now and at most so far; zeros when it has ended. */
function residentBytes(pid: number | undefined): { readonly now: number; readonly most: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
    return { now: field('VmRSS'), most: field('VmHWM') }
  } catch {
    return { now: 0, most: 0 }
  }
}

/** Tiles come and go while they are counted. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}

/** How much of H a verifier has applied and knows to be cosigned; a checkpoint's second line is its size. */
function witnessedSize({ position, cosigned }: { readonly position: bigint; readonly cosigned: Uint8Array }): bigint {
  const size = BigInt(Buffer.from(cosigned).toString('utf8').split('\n')[1] ?? 0)
  return size < position ? size : position
}
