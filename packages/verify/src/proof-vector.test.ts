import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@hutong/signing'
import { describe, expect, it } from 'vitest'
import { verifyProof } from './proof.ts'

const folder = join(import.meta.dirname, '..', 'vectors', 'proof')
const proof = readFileSync(join(folder, 'proof.json'))
const charter = readFileSync(join(folder, 'charter-0.bin'))

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('the frozen proof', () => {
  it('is the one that was frozen', () => {
    expect(hex(sha256(proof))).toBe('356c6515ae5f5ec1f23173d410f95e5fa1671d9af0c34fe699474508c2f7fcf7')
    expect(hex(sha256(charter))).toBe('efea745fb9f936351a64342b1239b9142b21f4038f282d519553adcf7cf2d5a5')
  })

  it('holds, and says what it always said', () => {
    expect(verifyProof(proof, charter, sha256(charter))).toMatchObject({
      kind: 'holds',
      alliance: 'test.hutong.example',
      zone: 'beijing',
      origin: 'test.hutong.example/z/beijing/1',
      index: 8n,
      position: 8n,
      receivedAtMs: Date.UTC(2026, 5, 1) + 4000,
      charter: 1n,
      events: [
        { index: 3n, position: 2n, event: { kind: 'licence_issued' }, stands: true },
        { index: 5n, position: 4n, event: { kind: 'licence_suspended' }, stands: true },
        { index: 6n, position: 7n, event: { kind: 'licence_resumed' }, stands: true },
        { index: 8n, position: 8n, event: { kind: 'licence_revoked', manner: 'cancelled' }, stands: true },
      ],
    })
  })
})
