import { describe, expect, it } from 'vitest'
import {
  amended,
  corrected,
  declared,
  issued,
  observed,
  renewed,
  restated,
  resumed,
  revoked,
  suspended,
  withdrawn,
} from './sample-events.ts'
import { subjectStringOf } from './subject.ts'

const subject = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001'

describe('subjectStringOf', () => {
  it.each([issued, amended, suspended, resumed, revoked, renewed, corrected, restated])(
    'is the licence without its version for $kind',
    (event) => {
      expect(subjectStringOf(event)).toBe(subject)
    },
  )

  it('is the licence that an amendment ends, whatever new identifier it gives', () => {
    const licence = { ...amended.licence, identifier: '1.2.156.3003.2.77' }
    expect(subjectStringOf({ ...amended, licence })).toBe(subject)
  })

  it('is the same for every version of a licence', () => {
    expect(subjectStringOf({ ...issued, identifier: `${subject}.002.C` })).toBe(subject)
  })

  it('is the id of a declaration, and of the declaration that is restated', () => {
    expect(subjectStringOf(declared)).toBe('tianjin-safety-1')
    expect(subjectStringOf(withdrawn)).toBe('tianjin-safety-1')
    const about = { kind: 'declaration', declarationId: 'tianjin-safety-1' } as const
    expect(subjectStringOf({ ...restated, about })).toBe('tianjin-safety-1')
  })

  it('is nothing for the heartbeat', () => {
    expect(subjectStringOf(observed)).toBeUndefined()
  })
})
