import { connect } from 'node:http2'
import { describe, expect, it } from 'vitest'
import { tokenIdentity } from './caller.ts'
import { createGrpcServer } from './grpc-server.ts'
import { FLOW_WINDOW_BYTES } from './grpc-window.ts'
import { createLogger } from './logger.ts'

describe('the window of a gRPC server', () => {
  it('takes a whole batch of a stream and of a connection before its reader has had a turn', async () => {
    const log = createLogger({ name: 'test', level: 'silent' })
    const server = createGrpcServer({ identify: tokenIdentity(new Map()), allow: {}, log })
    const { address } = await server.listen({ port: 0 })
    const session = connect(`http://${address}`)
    try {
      const settings = await new Promise<{ initialWindowSize?: number }>((resolve) =>
        session.once('remoteSettings', resolve),
      )
      expect(settings.initialWindowSize).toBe(FLOW_WINDOW_BYTES)
      // The connection's own window is told by a frame after the settings.
      await expect.poll(() => session.state.remoteWindowSize).toBe(FLOW_WINDOW_BYTES)
    } finally {
      session.destroy()
      await server.drain()
    }
  })
})
