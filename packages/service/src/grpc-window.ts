import type { Http2Server, Settings } from 'node:http2'
import type { Server } from '@grpc/grpc-js'

/**
 * How much of a call may be on its way unread, in bytes: more than the largest batch. HTTP/2 begins with 64 KiB for a stream and for a
 * connection, so that a batch of 200 KB waits three times for the reader's next turn of the loop; a service that seals or
 * admits a batch meanwhile takes that turn tens of milliseconds later, and most of the throughput is lost to waiting.
 */
export const FLOW_WINDOW_BYTES: number = 1024 * 1024

/**
 * Opens the window of everything a server receives. grpc-js has an option for it on the client's side only, so its own fields are
 * reached for here; where a later version has none such, calls are slower and nothing else, and the test says so.
 */
export function openServerWindow(server: Server): void {
  const internals = server as unknown as {
    commonServerOptions?: { settings?: Settings }
    _setupHandlers?: (http2Server: Http2Server, ...rest: unknown[]) => void
  }
  const { commonServerOptions, _setupHandlers: setUp } = internals
  if (commonServerOptions === undefined || setUp === undefined) return
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: FLOW_WINDOW_BYTES }
  internals._setupHandlers = (http2Server, ...rest) => {
    http2Server.on('session', (session) => session.setLocalWindowSize(FLOW_WINDOW_BYTES))
    setUp.call(server, http2Server, ...rest)
  }
}
