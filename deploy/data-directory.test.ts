import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openNote } from '@hutong/merkle'
import { charterNoteText, signedByAdmins, viewCharter } from '@hutong/verify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { boxCharterLimits } from './alliance-files.ts'
import { type DataDirectory, openDataDirectory } from './data-directory.ts'
import { undeclaredType } from './demonstration.ts'

let dataDir: string
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'hutong-data-')), 'data')
})
afterEach(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }))

function open(zones?: readonly string[] | 'all'): DataDirectory {
  return openDataDirectory({ dataDir, zones, limits: boxCharterLimits, nowMs: 1_790_000_000_000 })
}

function opened<T>(look: (data: DataDirectory) => T, zones?: readonly string[] | 'all'): T {
  using data = open(zones)
  return look(data)
}

const keyFiles = () => readdirSync(join(dataDir, 'alliance', 'keys'))
const key = (name: string) => join(dataDir, 'alliance', 'keys', name)

describe('the first start on a data directory', () => {
  it('makes keys that their owner alone can read', () => {
    opened(() => {})
    const files = keyFiles()
    expect(files).toHaveLength(2 + 3 * 3 + 3)
    for (const file of files) expect(statSync(key(file)).mode & 0o777).toBe(0o600)
    for (const folder of ['', 'alliance', 'alliance/keys'])
      expect(statSync(join(dataDir, folder)).mode & 0o777).toBe(0o700)
  })

  it('makes a charter 0 that its admins have signed and whose rules hold', () => {
    opened(({ alliance }) => {
      const view = viewCharter(alliance.charter)
      if ('kind' in view) throw new Error(view.reason)
      const first = { ...alliance.charter, sha256: sha256Of(alliance.charterBytes) }
      expect(signedByAdmins(view, alliance.charterNote, charterNoteText(first), 0n)).toBe(true)
      expect(
        openNote(
          alliance.charterNote,
          view.admins.map((admin) => admin.key),
        ),
      ).toMatchObject({ kind: 'note' })
      expect(alliance.charter).toMatchObject({ demonstration: true, adminThreshold: 2, number: 0n })
    })
  })

  // The table of formats F12.
  it.each([
    [['beijing', 'tianjin', 'langfang'], 2],
    [['beijing', 'tianjin', 'langfang', 'handan'], 3],
    [['beijing', 'tianjin', 'langfang', 'handan', 'ziya', 'xiqing', 'wuqing'], 5],
    ['all', 10],
  ] as const)('asks of %s for a quorum of %i', (zones, quorum) => {
    expect(opened(({ alliance }) => viewCharter(alliance.charter), zones)).toMatchObject({ quorum })
  })

  it('lets each authority issue every type of the list and the one beside it', () => {
    const authorities = opened(({ alliance }) => alliance.charter.zones.flatMap((zone) => zone.authorities))
    const listed = readFileSync(join(import.meta.dirname, '../tests/samples/alliance/licence-types.csv'), 'utf8')
    const types = listed
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[0])
    for (const { licenceTypes } of authorities) expect(licenceTypes).toEqual([...types, undeclaredType])
  })

  it('throws half of an earlier one away', () => {
    mkdirSync(join(dataDir, 'init.tmp', 'keys'), { recursive: true })
    writeFileSync(join(dataDir, 'init.tmp', 'keys', 'hub-sm2.pem'), 'half a key')
    opened(() => {})
    expect(existsSync(join(dataDir, 'init.tmp'))).toBe(false)
    expect(readFileSync(key('hub-sm2.pem'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  })

  it('begins anew where one was whole and had not been renamed yet', () => {
    opened(() => {})
    const before = readFileSync(key('hub-sm2.pem'), 'utf8')
    for (const left of ['hub', 'z']) rmSync(join(dataDir, left), { recursive: true, force: true })
    renameSync(join(dataDir, 'alliance'), join(dataDir, 'init.tmp'))
    opened(() => {})
    expect(readFileSync(key('hub-sm2.pem'), 'utf8')).not.toBe(before)
  })

  it('refuses a zone that nobody knows, and leaves nothing behind', () => {
    expect(() => open(['beijing', 'mars'])).toThrow(expect.objectContaining({ code: 'UNKNOWN_ZONE', exitCode: 2 }))
    expect(existsSync(dataDir)).toBe(false)
  })
})

describe('a later start', () => {
  it('reads what the first one wrote', () => {
    const first = opened(({ alliance }) => alliance.charterBytes, ['tianjin', 'beijing'])
    expect(opened(({ alliance }) => alliance.charterBytes)).toEqual(first)
    expect(opened(({ alliance }) => alliance.charterBytes, ['beijing', 'tianjin'])).toEqual(first)
  })

  it.each([[['beijing']], [['beijing', 'tianjin', 'handan']], ['all']] as const)(
    'refuses other zones by name: %s',
    (zones) => {
      opened(() => {})
      expect(() => open(zones)).toThrow(expect.objectContaining({ code: 'ZONES_DIFFER', exitCode: 7 }))
      opened(() => {})
    },
  )

  it('makes no new keys over logs that others have signed', () => {
    opened(() => {})
    mkdirSync(join(dataDir, 'hub'), { recursive: true })
    rmSync(join(dataDir, 'alliance'), { recursive: true })
    expect(() => open()).toThrow(expect.objectContaining({ code: 'ALLIANCE_MISSING' }))
    expect(existsSync(join(dataDir, 'alliance'))).toBe(false)
  })

  it.each([
    ['a key that is missing', () => rmSync(key('beijing-sm2.pem'))],
    ['a key that is another', () => copyFileSync(key('tianjin-sm2.pem'), key('beijing-sm2.pem'))],
    ['a key that is none', () => writeFileSync(key('hub-ed25519.pem'), 'none')],
    ['a charter that was altered', () => writeFileSync(join(dataDir, 'alliance', 'charter-0.bin'), 'charter')],
    ['a configuration of other zones', () => alter('configuration.json', 'beijing', 'handan')],
    ['a configuration of a later version', () => alter('configuration.json', '"version": 1', '"version": 2')],
  ])('refuses %s', (_what, damage) => {
    opened(() => {})
    damage()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'ALLIANCE_DAMAGED', exitCode: 7 }))
  })
})

describe('the data of a box', () => {
  it('belong to one at a time, within a process too', () => {
    using _held = open()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'DATA_IN_USE', exitCode: 7 }))
  })

  it('are free again when a process that held them was killed', async () => {
    const program = `
      import { boxCharterLimits as limits } from ${JSON.stringify(join(import.meta.dirname, 'alliance-files.ts'))}
      import { openDataDirectory } from ${JSON.stringify(join(import.meta.dirname, 'data-directory.ts'))}
      openDataDirectory({ dataDir: process.argv[1], zones: undefined, limits, nowMs: 0 })
      process.stdout.write('held')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    expect(() => open()).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }))
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(opened(({ alliance }) => alliance.configuration.zones)).toEqual(['beijing', 'tianjin', 'langfang'])
  })
})

function alter(name: string, from: string, to: string): void {
  const path = join(dataDir, 'alliance', name)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${name} does not hold ${from}`)
  writeFileSync(path, text.replace(from, to))
}

function sha256Of(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
