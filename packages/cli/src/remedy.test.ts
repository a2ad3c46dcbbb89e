import { CallError } from '@hutong/sdk'
import { describe, expect, it } from 'vitest'
import { CommandError, exits } from './exit.ts'
import { remedyOf } from './remedy.ts'
import { runHere } from './run-cli.ts'

describe('an error at the terminal', () => {
  it('says in one line what it is and in the next what to do', async () => {
    const { stderr } = await runHere(['log', 'head', '--data', 'no-such-data'])
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^hutong: no box runs on no-such-data/),
      expect.stringMatching(/^→ .*npm start.*--data/),
    ])
  })

  it.each([
    [['licence', 'verify', 'ID'], 'hutong licence verify --help'],
    [['licence', 'nonsense'], 'hutong licence --help'],
    [['nonsense'], 'hutong --help'],
  ])('points to the help of what was called: %j', async (args, help) => {
    const { stderr } = await runHere(args)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`→ 用法与示例见 see ${help}`)
  })

  it('says the same in JSON', async () => {
    const { stdout } = await runHere(['log', 'head', '--data', 'no-such-data', '--json'])
    expect(JSON.parse(stdout).error.remedy).toMatchObject({ zh: expect.stringContaining('npm start') })
  })

  it.each(Object.entries(exits))('has a way on for every exit code: %s', (_name, exitCode) => {
    const { zh, en } = remedyOf(new CommandError(exitCode, 'SOMETHING', 'something'))
    expect(zh).toMatch(/。$/)
    expect(en).not.toBe('')
  })

  it('promises that trying again is safe where no peer answered', () => {
    const { en } = remedyOf(new CallError('unavailable', 'UNAVAILABLE', 14, 'no answer'))
    expect(en).toContain('try again')
  })

  it('takes for a mistake of ours what nobody knows', () => {
    expect(remedyOf(new TypeError('x')).en).toContain('mistake of ours')
  })
})

describe('colour', () => {
  it('is left out where NO_COLOR asks for it, and no escape goes to a pipe', async () => {
    for (const env of [{ NO_COLOR: '1' }, {}]) {
      const { stdout } = await runHere(['doctor', '--data', 'no-such-data'], env)
      expect(stdout).not.toContain('\u001b')
    }
  })
})
