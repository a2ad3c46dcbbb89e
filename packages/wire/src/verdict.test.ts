import { Verdict as WireVerdict } from '@hutong/proto/verdict'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verdictArbitrary } from './arbitraries.ts'
import { decodeVerdict, encodeVerdict, findingsBytes, verdictFromWire, verdictToWire } from './verdict.ts'
import { delimited, number } from './wire-bytes.ts'

describe('a verdict', () => {
  it('comes back as it went, as bytes and through a generated decoder', () => {
    fc.assert(
      fc.property(verdictArbitrary, (verdict) => {
        expect(decodeVerdict(encodeVerdict(verdict))).toEqual({ kind: 'verdict', verdict })
        const wire = WireVerdict.decode(WireVerdict.encode(verdictToWire(verdict)).finish())
        expect(verdictFromWire(wire)).toEqual({ kind: 'verdict', verdict })
      }),
    )
  })

  it('has the same findings, byte for byte, whatever its envelope', () => {
    fc.assert(
      fc.property(verdictArbitrary, (verdict) => {
        const other = { ...verdict, checkedAtMs: 1, receiptNumber: 'tianjin-7' }
        const received = verdictFromWire(verdictToWire(other))
        if (received.kind !== 'verdict') throw new Error(received.why)
        expect(findingsBytes(received.verdict.findings)).toEqual(findingsBytes(verdict.findings))
      }),
    )
  })

  it('has other findings where any of them differs', () => {
    const [verdict] = fc.sample(verdictArbitrary, 1)
    const findings = verdict!.findings
    const others = [
      { ...findings, position: findings.position === 0n ? 1n : 0n },
      { ...findings, ageMs: findings.ageMs === undefined ? 0 : undefined },
      { ...findings, code: `${findings.code}X` },
    ]
    for (const other of others) expect(findingsBytes(other)).not.toEqual(findingsBytes(findings))
  })

  const valid = number(1, 1)
  it.each([
    ['no findings', Buffer.alloc(0)],
    ['no word', delimited(1)],
    ['a word nobody knows', delimited(1, number(1, 5))],
    ['a ninth check', delimited(1, valid, delimited(9, number(1, 9), number(2, 1)))],
    ['a check without a result', delimited(1, valid, delimited(9, number(1, 1)))],
    ['a result nobody knows', delimited(1, valid, delimited(9, number(1, 1), number(2, 5)))],
    ['a mode nobody knows', delimited(1, valid, number(15, 3))],
    ['a position of 2^63', delimited(1, valid, number(10, 2n ** 63n))],
    ['an age of 2^53', delimited(1, valid, number(12, 2n ** 53n))],
    ['a file of 2^63 bytes', delimited(1, valid, delimited(18, delimited(12, number(3, 2n ** 63n))))],
    ['a field numbered 999', delimited(1, valid, number(999, 1))],
  ])('with %s is not shown in any part', (_, bytes) => {
    expect(decodeVerdict(bytes).kind).toBe('not_understood')
    expect(verdictFromWire(WireVerdict.decode(bytes)).kind).toBe('not_understood')
  })
})
