import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'

const same = (bytes: Buffer): Buffer => bytes
const echo: MethodDefinition<Buffer, Buffer> = {
  path: '/bench.Echo/Echo',
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
}

export const echoService: ServiceDefinition & { readonly echo: MethodDefinition<Buffer, Buffer> } = { echo }
