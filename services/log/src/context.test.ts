import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, createLogger, unary } from '@hutong/service'
import { batchToWire, LogServiceClient } from '@hutong/wire'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LogConfig } from './config.ts'
import { startLogProcess } from './context.ts'
import { createAlliance } from './testing/alliance.ts'

const alliance = createAlliance({ quorum: 0 })
const token = 'p'.repeat(40)
const silent = createLogger({ name: 'log', level: 'silent' })

describe('a log as a process', () => {
  it('takes a batch over gRPC, writes store, stream and tiles, and goes on where it was', async () => {
    const config = await configured()
    const publisher = alliance.publisher('beijing')
    const first = publisher.seal(3, Date.now())
    expect(await appendTo(config, first)).toBe(1n)
    expect(await appendTo(config, publisher.seal(2, Date.now()))).toBe(2n)
    expect(await appendTo(config, first)).toBe(1n)
    for (const file of ['log.sqlite', 'logged.sqlite', 'tiles/h/checkpoint', 'tiles/z/beijing/checkpoint']) {
      expect((await stat(join(config.dataDirectory, file))).size).toBeGreaterThan(0)
    }
  })

  it('names the file that is no charter', async () => {
    const config = await configured()
    await writeFile(config.charterFile, 'no charter')
    await expect(startLogProcess(config, silent)).rejects.toThrow('HUTONG_LOG_CHARTER')
  })

  it('does not start with the keys of somebody else', async () => {
    const config = await configured()
    const [one, two] = createAlliance({ quorum: 0 }).hubKeys
    await writeFile(config.keyFiles[0]!, one!)
    await writeFile(config.keyFiles[1]!, two!)
    await expect(startLogProcess(config, silent)).rejects.toThrow('accepts no key')
  })
})

async function appendTo(config: LogConfig, batch: Parameters<typeof batchToWire>[0]): Promise<bigint | undefined> {
  await using running = await startLogProcess(config, silent)
  using client = createClient(LogServiceClient, running.address, { token, defaultDeadlineMs: 5_000 })
  const { outcome } = await unary(client, 'append', { batch: batchToWire(batch) })
  await vi.waitFor(() => stat(join(config.dataDirectory, 'tiles/z/beijing/checkpoint')))
  return outcome?.$case === 'appended' ? outcome.value.index : undefined
}

async function configured(): Promise<LogConfig> {
  const directory = await mkdtemp(join(tmpdir(), 'log-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = (name: string) => join(directory, name)
  await writeFile(file('charter'), alliance.charter)
  for (const [at, pem] of alliance.hubKeys.entries()) await writeFile(file(`key-${at}.pem`), pem)
  await writeFile(file('tokens.json'), JSON.stringify({ [token]: { zone: 'beijing', role: 'publisher' } }))
  return {
    dataDirectory: directory,
    charterFile: file('charter'),
    charterNoteFile: undefined,
    keyFiles: alliance.hubKeys.map((_, at) => file(`key-${at}.pem`)),
    tokensFile: file('tokens.json'),
    host: '127.0.0.1',
    port: 0,
    verifiersAddress: undefined,
    verifiersToken: undefined,
    headIntervalMs: 100,
    headEntriesMax: 64,
  }
}
