import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { proofFaults } from './proof-fault.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'proofs.md'), 'utf8')

describe('the reasons why a proof fails', () => {
  it('are those of docs/proofs.md, in the same words', () => {
    const rows = [...page.matchAll(/^\| ([A-Z_]+) \| (.+) \| (.+) \|$/gm)].map(([, code, zh, en]) => [code, { zh, en }])
    expect(Object.fromEntries(rows)).toEqual(proofFaults)
  })
})
