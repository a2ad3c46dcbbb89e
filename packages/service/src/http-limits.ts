/** Largest body of a request unless told. */
export const BODY_LIMIT_BYTES: number = 1024 * 1024
/** How long a request may take to arrive, and its headers. */
export const REQUEST_LIMIT_MS = 30_000
export const HEADERS_LIMIT_MS = 10_000
/** Largest head of a request, all headers together. */
export const HEADERS_LIMIT_BYTES: number = 16 * 1024
/** Connections that may be open. */
export const HTTP_CONNECTIONS_LIMIT = 1_024
/** How long running requests get when a server stops. */
export const REQUEST_DRAIN_LIMIT_MS = 8_000
