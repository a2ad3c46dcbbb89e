import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startEmbedded } from '../constellation/embedded.ts'
import { licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

const holder = { name: '欧阳测试演示', code: '11010519491231002X', codeType: '111' }

// R14: nothing personal in topics, keys, leaves, metrics, logs. Payloads hold it, in stores and in the stream, and nothing else does.
describe('personal data', () => {
  it('stands in no leaf, no tile, no log line and no refusal, neither in plain nor as a bare hash', async () => {
    await using alliance = await startEmbedded({ zones: ['beijing', 'tianjin'] })
    console.log(alliance.engine)
    const licence = licenceOf(alliance.box.alliance.charter, 'beijing', 'PERSONAL1', { holder })
    const bad = { ...licence, holder: { ...holder, code: '110105194912310021' } }
    expect(await alliance.issue('beijing', licence, 'witnessed')).toMatchObject({ kind: 'published' })
    const refused = await alliance.issue('beijing', bad)
    expect(refused.kind).toBe('refused')
    const asked = await alliance.verify('tianjin', {
      identifier: licence.identifier,
      matter,
      holderCode: '11010519491231002X',
    })
    expect(asked.kind).toBe('verdict')
    // By HTTP as well, where paths and bodies of every shape come in.
    const ask = async (path: string, body?: unknown) => {
      const headers = {
        authorization: `Bearer ${alliance.box.tokens.of('beijing', 'client')}`,
        'content-type': 'application/json',
        'idempotency-key': 'one',
      }
      const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
      const answer = await fetch(`http://${alliance.httpAddress}/z/beijing/${path}`, { headers, ...sent })
      return { status: answer.status, text: await answer.text() }
    }
    const problems = [
      await ask('v1/events', { ...bad, surplus: holder.name }),
      await ask('v1/history', { identifier: licence.identifier, surplus: holder.code }),
      await ask('v1/verify', { identifier: `${licence.identifier}0`, matter, holderCode: holder.code }),
      await ask(`v1/events?after=${encodeURIComponent(holder.name)}`),
      await ask(`v1/verdicts/${licence.identifier}`),
      await ask(`nowhere/${licence.identifier}`),
    ]
    expect(problems.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 404])

    const words = [holder.name, holder.code, '110105194912310021', licence.identifier, licence.number]
    const hidden = words.flatMap((word) => [Buffer.from(word), sha256(word)])
    const tiles = join(alliance.folder('hub'), 'tiles')
    await until(
      'the leaf of the licence is in the tiles',
      async () => filesBelow(tiles),
      (files) => files.some((path) => path.includes('z/beijing/tile/entries')),
    )
    const open = [...filesBelow(tiles), ...filesBelow(join(alliance.dataDir, 'logs'))]
    expect(open.some((path) => path.endsWith('box.log'))).toBe(true)
    for (const path of open) {
      const bytes = readFileSync(path)
      const found = words.filter((_, at) => bytes.includes(hidden[2 * at]!) || bytes.includes(hidden[2 * at + 1]!))
      expect(found, path).toEqual([])
    }
    for (const word of words) expect(JSON.stringify([refused, problems])).not.toContain(word)
    // The search itself finds what is there: the payload, in the hub's store.
    const store = filesBelow(alliance.folder('hub')).filter((path) => path.includes('log.sqlite'))
    expect(store.some((path) => readFileSync(path).includes(hidden[0]!))).toBe(true)
  })
})

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
