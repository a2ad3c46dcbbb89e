import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a broker on which acknowledgements get lost. */
export interface KafkaProxy extends AsyncDisposable {
  /** The next record batch is appended, its acknowledgement dropped; then nobody answers for `silentMs`. */
  dropNextAcknowledgement(silentMs?: number): void
  /** How many were dropped. */
  dropped(): number
}

const produceKey = 0

/** Listens on `port` of loopback, in front of the broker on `brokerPort`. */
export async function startKafkaProxy(port: number, brokerPort: number): Promise<KafkaProxy> {
  const sockets = new Set<Socket>()
  let armed: { readonly silentMs: number } | undefined
  let silentUntilMs = 0
  let dropped = 0
  const server = createServer((client) => {
    if (performance.now() < silentUntilMs) {
      client.destroy()
      return
    }
    const broker = connect(brokerPort, '127.0.0.1')
    let waiting: { readonly silentMs: number } | undefined
    const end = () => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', end).on('close', end)
    }
    client.on('data', (bytes) => {
      // Length (4 bytes), then the key of the call (2): one write of kafkajs is one request.
      if (armed && bytes.byteLength > 6 && bytes.readInt16BE(4) === produceKey) {
        waiting = armed
        armed = undefined
      }
      broker.write(bytes)
    })
    broker.on('data', (bytes) => {
      if (!waiting) {
        client.write(bytes)
        return
      }
      // The broker answers only after it has appended.
      dropped++
      silentUntilMs = performance.now() + waiting.silentMs
      for (const socket of sockets) socket.destroy()
    })
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    dropNextAcknowledgement(silentMs = 0) {
      armed = { silentMs }
    },
    dropped: () => dropped,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
