import { describe, expect, it } from 'vitest'
import { exitCodeOf } from './failure.ts'

const withCode = (code: string) => Object.assign(new Error('write'), { code })

describe('the exit code of an error', () => {
  it.each([
    ['the one it names', Object.assign(new Error('x'), { exitCode: 6 }), 6],
    ['the one its cause names', new Error('outer', { cause: Object.assign(new Error('x'), { exitCode: 2 }) }), 2],
    ['8 for a full disk', withCode('ENOSPC'), 8],
    ['8 for a disk that fails', new Error('outer', { cause: withCode('EIO') }), 8],
    ['70 for a missing file', withCode('ENOENT'), 70],
    ['70 for what is no error', 'text', 70],
    ['70 for an exit code that is no number', Object.assign(new Error('x'), { exitCode: '6' }), 70],
  ])('is %s', (_what, error, wanted) => {
    expect(exitCodeOf(error)).toBe(wanted)
  })

  it('is found also where causes bite their tail', () => {
    const error = new Error('x')
    error.cause = error
    expect(exitCodeOf(error)).toBe(70)
  })
})
