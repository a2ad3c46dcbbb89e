import { Server, ServerCredentials } from '@grpc/grpc-js'
import { echoService } from './echo-service.ts'

// The floor under every call: a gRPC server that gives back the bytes it was given.
const server = new Server()
server.addService(echoService, {
  echo: (call: { request: Buffer }, answer: (error: null, value: Buffer) => void) => answer(null, call.request),
})
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  console.log(`listening on ${port}.`)
})
process.once('SIGTERM', () => server.forceShutdown())
