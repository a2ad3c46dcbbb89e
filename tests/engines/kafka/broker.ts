import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

/** What every suite that ran on it says beside its name. */
export const kafkaBrokerLabel = 'Apache Kafka 4.1.1, one KRaft broker, no TLS'

const startLimitMs = 60_000
const pollPaceMs = 50

export interface KafkaBroker {
  readonly process: ChildProcess
  readonly port: number
}

export interface KafkaBrokerOptions {
  /** Where the jars lie. */
  readonly jars: string
  /** Where its data, configuration and log go; must be there. What it finds there it goes on with. */
  readonly folder: string
  /** Default: one that is free. */
  readonly port?: number
  /** What clients are told to connect to, when that is not `port`: a proxy before it. */
  readonly advertisedPort?: number
  /** It goes on when this process has ended. */
  readonly detached?: boolean
}

/**
 * Starts one broker that is its own controller, on loopback, and returns when it takes connections. Needs Java, 17 or
 * newer. A folder without data becomes a cluster with a new id.
 *
 * @throws {Error} it ended, or takes no connection within 60 s; its log says why.
 */
export async function startKafkaBroker(options: KafkaBrokerOptions): Promise<KafkaBroker> {
  const { jars, folder, detached = false } = options
  const port = options.port ?? (await freePort())
  const file = join(folder, 'server.properties')
  await writeFile(file, properties(folder, port, options.advertisedPort ?? port, await freePort()))
  if (!existsSync(join(folder, 'data'))) await format(jars, file)
  const log = openSync(join(folder, 'broker.log'), 'a')
  const process = spawn('java', ['-Xmx192m', '-cp', join(jars, '*'), 'kafka.Kafka', file], {
    stdio: ['ignore', log, log],
    detached,
  })
  closeSync(log)
  const endedBy = performance.now() + startLimitMs
  while (!(await takesConnections(port))) {
    if (process.exitCode !== null || performance.now() > endedBy) {
      process.kill('SIGKILL')
      throw new Error(`Kafka did not start; see ${join(folder, 'broker.log')}`)
    }
    await pause(pollPaceMs)
  }
  return { process, port }
}

/** Ends it, at once and without a chance to tidy up; quiet when it has ended. */
export async function killKafkaBroker({ process }: KafkaBroker): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  const ended = once(process, 'exit')
  process.kill('SIGKILL')
  await ended
}

/** Of a broker that has ended: started anew in the folder it is an empty cluster with another id. */
export async function emptyKafkaFolder(folder: string): Promise<void> {
  await rm(join(folder, 'data'), { recursive: true, force: true })
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

// A short session, so that a killed broker is let in again within seconds of its return; no wait for a second member of
// a group that only ever has one.
function properties(folder: string, port: number, advertisedPort: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertisedPort},CONTROLLER://127.0.0.1:${controllerPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=${join(folder, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=300
log.cleaner.dedupe.buffer.size=4194304
`
}

async function format(jars: string, file: string): Promise<void> {
  const id = randomBytes(16).toString('base64url')
  const args = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', '--standalone', '-t', id, '-c', file]
  await promisify(execFile)('java', args, { timeout: startLimitMs })
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
