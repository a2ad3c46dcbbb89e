import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Symptom } from './doctor.ts'
import { runHere } from './run-cli.ts'

function dataWithKey(mode: number): string {
  const data = mkdtempSync(join(tmpdir(), 'hutong-doctor-'))
  const keys = join(data, 'alliance', 'keys')
  mkdirSync(keys, { recursive: true })
  writeFileSync(join(keys, 'hub.pem'), 'not a real key')
  chmodSync(join(keys, 'hub.pem'), mode)
  return data
}

async function symptoms(data: string): Promise<{ exitCode: number; of: (what: string) => Symptom | undefined }> {
  const { exitCode, stdout } = await runHere(['doctor', '--json', '--data', data])
  const { symptoms } = JSON.parse(stdout) as { symptoms: readonly Symptom[] }
  return { exitCode, of: (what) => symptoms.find((one) => one.what === what) }
}

describe('the doctor', () => {
  it('finds this machine well, and says that no box runs and how to start one', async () => {
    const { exitCode, of } = await symptoms(dataWithKey(0o600))
    expect(exitCode).toBe(1)
    expect(['versions', 'cryptography', 'data', 'keys'].map((what) => of(what)?.state)).toEqual(Array(4).fill('well'))
    expect(of('box')).toMatchObject({ state: 'bad', advice: expect.stringContaining('npm start') })
  })

  it.each([0o644, 0o640, 0o602])('names a key file of mode %o', async (mode) => {
    const { of } = await symptoms(dataWithKey(mode))
    expect(of('keys')).toMatchObject({ state: 'bad', says: expect.stringContaining('hub.pem') })
  })

  it('says that data are not there', async () => {
    expect((await symptoms('no-such-data')).of('data')).toMatchObject({ state: 'bad' })
  })

  it('gives advice for everything that is not well', async () => {
    const { stdout } = await runHere(['doctor', '--json', '--data', 'no-such-data'])
    const { symptoms } = JSON.parse(stdout) as { symptoms: readonly Symptom[] }
    expect(symptoms.filter(({ state, advice }) => state !== 'well' && !advice)).toEqual([])
  })
})
