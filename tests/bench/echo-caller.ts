import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { echoService } from './echo-service.ts'
import { Processes, said } from './processes.ts'

const startLimitMs = 60_000
/** About the size of a question. */
const echoedBytes = 120
const callDeadlineMs = 5_000

/** A bare gRPC echo in a process of its own: the floor under every call. */
export class EchoCaller implements AsyncDisposable {
  readonly #processes: Processes
  readonly #client: Client
  readonly #message: Buffer = Buffer.alloc(echoedBytes, 'echo')

  private constructor(processes: Processes, client: Client) {
    this.#processes = processes
    this.#client = client
  }

  static async start(): Promise<EchoCaller> {
    const processes = new Processes()
    const child = processes.start('tests/bench/echo.ts', [])
    const [, port = ''] = /listening on (\d+)\./.exec(await said(child, '.', startLimitMs)) ?? []
    const EchoClient = makeGenericClientConstructor(echoService, 'Echo')
    return new EchoCaller(processes, new EchoClient(`127.0.0.1:${port}`, credentials.createInsecure()))
  }

  call(): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = echoService.echo
    const options = { deadline: Date.now() + callDeadlineMs }
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, this.#message, options, (error) =>
        error === null ? resolve() : reject(error),
      )
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close()
    await this.#processes[Symbol.asyncDispose]()
  }
}
