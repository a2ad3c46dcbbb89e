import { describe, expect, it } from 'vitest'
import { matrixRows, recognises } from './recognition.ts'
import { declared } from './sample-events.ts'

const asked = { licenceType: declared.licenceType, issuingZone: 'langfang', matter: 'KSTB-002' }

describe('recognises', () => {
  it('says yes where type, issuing zone and matter are all declared', () => {
    expect(recognises(declared, asked)).toBe(true)
  })

  it.each([
    ['another type', { ...asked, licenceType: '11100000MB0143028R001' }],
    ['another zone', { ...asked, issuingZone: 'tianjin' }],
    ['another matter', { ...asked, matter: 'KSTB-003' }],
    ['no matter', { ...asked, matter: '' }],
  ])('says no for %s', (_, question) => {
    expect(recognises(declared, question)).toBe(false)
  })
})

describe('matrixRows', () => {
  it('gives one row for each matter and issuing zone, and each of them is recognised', () => {
    const rows = [...matrixRows('tianjin', declared)]
    expect(rows.map(({ matter, issuingZone }) => `${matter} ${issuingZone}`)).toEqual([
      'KSTB-001 beijing',
      'KSTB-001 langfang',
      'KSTB-002 beijing',
      'KSTB-002 langfang',
    ])
    expect(rows.every((row) => recognises(declared, row))).toBe(true)
    expect(rows[0]).toMatchObject({
      receivingZone: 'tianjin',
      mode: 'cross_province',
      declarationId: 'tianjin-safety-1',
    })
  })
})
