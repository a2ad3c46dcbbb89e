import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { transportIdentityFromCertificate } from '@hutong/service'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere } from './run-cli.ts'

const alliance = 'jjj.hutong.example'
const dayMs = 86_400_000
let folder: string
let server: Server
const read = (...names: string[]) => readFileSync(join(folder, ...names))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hutong-handshake-'))
  const nowMs = Date.now()
  const run = async (args: readonly string[], atMs = nowMs) =>
    expect(await runHere(args, {}, [], () => atMs)).toMatchObject({ exitCode: 0, stderr: '' })
  const issue = (ca: string, out: string, role: string, atMs: number, ...more: readonly string[]) => {
    const identity = `hutong://${alliance}/${role}`
    const args = ['ca', 'issue', '--ca', join(folder, ca), '--identity', identity, '--out', join(folder, out)]
    return run([...args, '--days', '10', ...more], atMs)
  }
  for (const ca of ['ca', 'other-ca'])
    await run(['ca', 'new', '--alliance', alliance, '--out', join(folder, ca)], nowMs - 30 * dayMs)
  await issue('ca', 'log', 'hub/log', nowMs, '--dns', 'log.example', '--ip', '127.0.0.1')
  await issue('ca', 'publisher', 'beijing/publisher', nowMs)
  await issue('ca', 'expired', 'beijing/publisher', nowMs - 20 * dayMs)
  await issue('ca', 'to-come', 'beijing/publisher', nowMs + dayMs)
  await issue('other-ca', 'self-made', 'beijing/publisher', nowMs)
  server = createServer({
    ...withCertificate('log'),
    ca: read('ca', 'ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

function withCertificate(name: string): { key: Buffer; cert: Buffer } {
  return { key: read(name, 'key.pem'), cert: read(name, 'certificate.pem') }
}

/** What the server says to a client: his certificate, or why there is no handshake. */
function greet(options: ConnectionOptions): Promise<X509Certificate | string> {
  return new Promise((resolve) => {
    const done = (said: X509Certificate | string) => {
      server.removeAllListeners('secureConnection').removeAllListeners('tlsClientError')
      client.destroy()
      resolve(said)
    }
    server.once('secureConnection', (socket: TLSSocket) => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      done(certificate ?? 'no certificate')
    })
    // Node ends the connection where the certificate does not hold, and keeps the reason at the socket.
    server.once('tlsClientError', (error: NodeJS.ErrnoException, { authorizationError }) =>
      done(String(authorizationError ?? error.code)),
    )
    const { port } = server.address() as AddressInfo
    const client = connect({ port, host: '127.0.0.1', ca: read('ca', 'ca.pem'), ...options })
    // Which of the two ends says it first is chance; the server's word is what is asked for.
    client.on('error', () => {})
  })
}

describe('a handshake with certificates that hutong ca made', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('tells the server who calls, by %s', async (version) => {
    const said = await greet({ ...withCertificate('publisher'), minVersion: version, maxVersion: version })
    expect(said).toBeInstanceOf(X509Certificate)
    expect(transportIdentityFromCertificate(said as X509Certificate)).toEqual({
      alliance,
      caller: { zone: 'beijing', role: 'publisher' },
    })
  })

  it.each([
    ['no certificate', undefined, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    ['one of another CA of the same name', 'self-made', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['one that is over', 'expired', 'CERT_HAS_EXPIRED'],
    ['one that is to come', 'to-come', 'CERT_NOT_YET_VALID'],
  ])('is refused to a client with %s', async (_what, name, code) => {
    expect(await greet(name === undefined ? {} : withCertificate(name))).toBe(code)
  })

  it.each([
    ['another CA', () => ({ ca: read('other-ca', 'ca.pem') }), /SIGNATURE|ISSUER|SELF_SIGNED/],
    ['another host', () => ({ servername: 'elsewhere.example', host: '127.0.0.1' }), /ERR_TLS_CERT_ALTNAME_INVALID/],
  ])('is refused by a client that expects %s', async (_what, options, code) => {
    const { port } = server.address() as AddressInfo
    const client = connect({
      port,
      host: '127.0.0.1',
      ca: read('ca', 'ca.pem'),
      ...withCertificate('publisher'),
      ...options(),
    })
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
    client.destroy()
    expect(error.code).toMatch(code)
  })
})
