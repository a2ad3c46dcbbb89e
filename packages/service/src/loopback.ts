import { isIPv4 } from 'node:net'

/** Where a server listens. Only this machine can reach it unless `beyondLoopback` says that the network may. */
export interface Listening {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  readonly beyondLoopback?: boolean
}

/** Whether a host name or address can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

/** @throws {RangeError} the network would reach it, and nobody said that it may. */
export function checkedHost(listening: Listening): string {
  const host = listening.host ?? '127.0.0.1'
  if (!isLoopback(host) && listening.beyondLoopback !== true)
    throw new RangeError(`host ${host} is not a loopback address: want beyondLoopback to be said`)
  return host
}

/** `host:port`, an IPv6 address in brackets. */
export function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
