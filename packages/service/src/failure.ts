import { randomUUID } from 'node:crypto'
import { type ServiceError, status } from '@grpc/grpc-js'
import type { Logger } from './logger.ts'
import { refusalOf, refuse } from './refusal.ts'

/** Exit codes of a process and of the CLI for failures of our own (domain, "Verdict"). */
export const EXIT_USAGE = 2
export const EXIT_PEER_UNAVAILABLE = 6
export const EXIT_LOCAL_DISK = 8
export const EXIT_OUR_BUG = 70
export const EXIT_INTERRUPTED = 130

/** The reason code of a service that cannot write to its disk. */
export const LOCAL_DISK = 'LOCAL_DISK'

const DISK_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'])
// A cause may be wrapped; nobody wraps deeper than this, and a chain that bites its tail must end.
const CAUSE_DEPTH_LIMIT = 8

/**
 * The exit code an error asks for: its own `exitCode`, or that of a cause; 8 for an error of the disk; 70 for all else.
 */
export function exitCodeOf(error: unknown): number {
  let current = error
  for (let depth = 0; depth < CAUSE_DEPTH_LIMIT && current instanceof Error; depth++) {
    if ('exitCode' in current && typeof current.exitCode === 'number') return current.exitCode
    if ('code' in current && DISK_ERRORS.has(current.code)) return EXIT_LOCAL_DISK
    current = current.cause
  }
  return EXIT_OUR_BUG
}

/**
 * The one place that turns an error of a route into what its caller may see. A refusal passes as it is. Everything else
 * is logged once under a fresh id, and the caller gets that id and no inner text: PEER_UNAVAILABLE and LOCAL_DISK for
 * the two failures a caller can wait out, INTERNAL_ERROR for the rest.
 */
export function answerFromError(error: unknown, log: Logger, route: string): ServiceError {
  if (refusalOf(error) !== undefined) return error as ServiceError
  const errorId = randomUUID()
  log.error({ err: error, errorId, route }, 'a route failed')
  switch (exitCodeOf(error)) {
    case EXIT_PEER_UNAVAILABLE:
      return refuse({
        code: 'PEER_UNAVAILABLE',
        zh: `所依赖的服务暂时无法连接，可以稍后重试。错误编号 ${errorId}`,
        en: `a service this one depends on cannot be reached; it is safe to try again. Error id ${errorId}`,
        grpc: status.UNAVAILABLE,
      })
    case EXIT_LOCAL_DISK:
      return refuse({
        code: LOCAL_DISK,
        zh: `本服务的磁盘无法写入，请联系运维人员。错误编号 ${errorId}`,
        en: `this service cannot write to its disk; its operator must act. Error id ${errorId}`,
        grpc: status.RESOURCE_EXHAUSTED,
      })
    default:
      return refuse({
        code: 'INTERNAL_ERROR',
        zh: `服务内部错误。错误编号 ${errorId}`,
        en: `internal error. Error id ${errorId}`,
        grpc: status.INTERNAL,
      })
  }
}
