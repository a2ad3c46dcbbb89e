import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ProofFile, proofFileFromBytes, proofFileToBytes, proofLimits } from './proof-file.ts'

const bytes = (minLength: number, maxLength = 40) => fc.uint8Array({ minLength, maxLength })
const text = fc.string({ minLength: 1, unit: 'binary' }).map((given) => new Uint8Array(Buffer.from(given, 'utf8')))
const files: fc.Arbitrary<ProofFile> = fc.record({
  firstCharter: text,
  charters: fc.array(fc.record({ charter: bytes(1), proof: text }), { maxLength: 3 }),
  events: fc.array(
    fc.record({ leaf: bytes(1), salt: bytes(32, 32), payload: bytes(1), eventProof: text, batchProof: text }),
    { minLength: 1, maxLength: 3 },
  ),
})

const one = {
  leaf: Uint8Array.of(1, 2),
  salt: new Uint8Array(32),
  payload: Uint8Array.of(0xfb, 0xff),
  eventProof: Buffer.from('e\n'),
  batchProof: Buffer.from('b — \n'),
}
const file: ProofFile = { firstCharter: Buffer.from('f'), charters: [], events: [one] }
// Written by hand: the layout is frozen.
const written =
  '{"format":"hutong/proof/v1","firstCharter":"f","charters":[],"events":[{"leaf":"AQI=",' +
  '"salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","payload":"+/8=","eventProof":"e\\n","batchProof":"b — \\n"}]}\n'

describe('a proof file', () => {
  it('is written in its one spelling', () => {
    expect(Buffer.from(proofFileToBytes(file)).toString('utf8')).toBe(written)
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(files, (given) => {
        const reading = proofFileFromBytes(proofFileToBytes(given))
        expect(reading).toEqual({ kind: 'proof_file', file: given })
      }),
    )
  })

  it.each([
    ['base64 with stray bits', written.replace('AQI=', 'AQJ='), 'events[0].leaf'],
    ['base64 without padding', written.replace('AQI=', 'AQI'), 'events[0].leaf'],
    ['base64 of URLs', written.replace('+/8=', '-_8='), 'events[0].payload'],
    ['an empty payload', written.replace('+/8=', ''), 'events[0].payload'],
    ['a short salt', written.replace('AAAAAAAA', 'AAAA'), 'events[0].salt'],
    ['a number for a text', written.replace('"e\\n"', '1'), 'events[0].eventProof'],
    ['an empty proof', written.replace('"e\\n"', '""'), 'events[0].eventProof'],
    ['half of a surrogate pair', written.replace('"e\\n"', '"\\ud800"'), 'events[0].eventProof'],
    ['a member left out', written.replace('"charters":[],', ''), 'proof'],
    ['an unknown member', written.replace('"charters"', '"more":1,"charters"'), 'proof'],
    ['a member of another name', written.replace('"leaf"', '"__proto__"'), 'events[0]'],
    ['a member twice', written.replace('"charters":[]', '"charters":[],"charters":[]'), 'proof'],
    ['an escape where none is needed', written.replace('"f"', '"\\u0066"'), 'proof'],
    ['a blank', written.replace(':[]', ': []'), 'proof'],
    ['no newline at the end', written.trimEnd(), 'proof'],
    ['a byte order mark', `\ufeff${written}`, 'proof'],
    ['no event', written.replace(/"events":\[.*\]/, '"events":[]'), 'events'],
    ['another format', written.replace('proof/v1', 'proof/v2'), 'format'],
    ['no JSON', 'proof', 'proof'],
    ['deep nesting', '['.repeat(100_000), 'proof'],
    ['too many charters', written.replace('"charters":[]', `"charters":[${'1,'.repeat(100)}1]`), 'charters'],
  ])('is refused with %s', (_what, given, field) => {
    expect(given).not.toBe(written)
    expect(proofFileFromBytes(Buffer.from(given))).toMatchObject({ kind: 'unreadable', field })
  })

  it('is refused where it is no UTF-8, and unread where it is too large', () => {
    const broken = Buffer.from(written)
    broken[broken.indexOf('"f"') + 1] = 0xff
    expect(proofFileFromBytes(broken)).toMatchObject({ kind: 'unreadable', field: 'proof' })
    const large = proofFileFromBytes(Buffer.alloc(proofLimits.fileBytes + 1, ' '))
    expect(large).toMatchObject({ kind: 'unreadable', expected: 'at most 16777216 bytes' })
  })
})
