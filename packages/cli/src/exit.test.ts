import { CallError } from '@hutong/sdk'
import { describe, expect, it } from 'vitest'
import { CommandError, exitOfError, exitOfRefusal, exitOfVerdict } from './exit.ts'

// The numbers are those of the domain's table of verdicts and the line under it.

describe('exit codes', () => {
  it.each([
    ['VALID', 'VALID', 0],
    ['INVALID', 'REVOKED', 1],
    ['NOT_RECOGNISED', 'NOT_DECLARED', 1],
    ['UNDETERMINED', 'TOO_OLD', 3],
    ['UNDETERMINED', 'NOT_IN_LOG', 5],
    ['UNDETERMINED', 'VERIFIER_AWAY', 6],
  ] as const)('a verdict %s for %s', (word, code, exitCode) => {
    expect(exitOfVerdict(word, code)).toBe(exitCode)
  })

  it('never says 0 to a word other than VALID, whatever the code beside it', () => {
    for (const word of ['INVALID', 'NOT_RECOGNISED', 'UNDETERMINED'] as const) {
      for (const code of ['VALID', 'IN_FORCE', '', 'toString']) expect(exitOfVerdict(word, code)).not.toBe(0)
    }
  })

  it.each([
    ['CHECK_CHARACTER', 2],
    ['NOT_AUTHORISED', 4],
    ['CONFLICT', 7],
    ['HUB_NOT_ANSWERED', 6],
    ['DISK_FULL', 8],
    ['ALREADY_REVOKED', 1],
  ])('a refusal %s', (code, exitCode) => {
    expect(exitOfRefusal(code)).toBe(exitCode)
  })

  it.each([
    [new CallError('unavailable', 'ZONE_NOT_RUNNING', 14, ''), 6],
    [new CallError('refused', 'NOT_AUTHORISED', 7, ''), 4],
    [new CallError('refused', 'SOMETHING_NEW', 3, ''), 2],
    [new CallError('failed', 'INTERNAL', 13, ''), 6],
    [new CommandError(7, 'FILE_EXISTS', ''), 7],
    [Object.assign(new Error('no space'), { code: 'ENOSPC' }), 8],
    [new TypeError('our bug'), 70],
  ])('an error %s', (error, exitCode) => {
    expect(exitOfError(error)).toBe(exitCode)
  })
})
