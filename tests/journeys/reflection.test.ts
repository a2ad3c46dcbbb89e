import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { projectFolder } from '../constellation/command-line.ts'
import { startEmbedded } from '../constellation/embedded.ts'

const run = promisify(execFile)
const buf = join(projectFolder, 'node_modules/.bin/buf')

describe('a foreign gRPC client', () => {
  it('learns the contract from the server and asks by name, with a token and not without', async () => {
    await using alliance = await startEmbedded({ zones: ['beijing', 'tianjin'] })
    console.log(`engine: ${alliance.engine}`)
    const { grpcAddress, tokens } = alliance.box
    const call = (...headers: readonly string[]) =>
      run(buf, [
        ...['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d', '{}', '-H', 'hutong-zone: beijing'],
        ...headers.flatMap((header) => ['-H', header]),
        `http://${grpcAddress}/hutong.v1.VerifierService/Status`,
      ])
    const { stdout } = await call(`authorization: Bearer ${tokens.of('beijing', 'client')}`)
    expect(JSON.parse(stdout)).toMatchObject({ zone: 'beijing' })
    await expect(call()).rejects.toThrow('NOT_IDENTIFIED')
  })
})
