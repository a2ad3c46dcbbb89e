import { describe, expect, it } from 'vitest'
import { boxArguments } from './arguments.ts'

describe('what npm start is told', () => {
  it('is nothing: ./data, its own port, the zones of the data', () => {
    expect(boxArguments([], {})).toEqual({
      help: false,
      dataDir: 'data',
      isDefaultData: true,
      port: undefined,
      zones: undefined,
    })
  })

  it('is all of it', () => {
    const args = ['--data', 'd', '--port', '0', '--zones', 'beijing,handan']
    expect(boxArguments(args, {})).toMatchObject({
      dataDir: 'd',
      isDefaultData: false,
      port: 0,
      zones: ['beijing', 'handan'],
    })
    expect(boxArguments(['--zones=all'], { HUTONG_DATA: 'e' })).toMatchObject({
      dataDir: 'e',
      isDefaultData: true,
      zones: 'all',
    })
  })

  it.each([
    ['an unknown option', ['--verbose']],
    ['a word beside the options', ['beijing']],
    ['an option without its value', ['--data']],
    ['an empty directory', ['--data=']],
    ['a port that is none', ['--port', '80 ']],
    ['a port whose neighbour there is not', ['--port', '65535']],
    ['a zone twice', ['--zones', 'beijing,beijing']],
    ['an empty zone', ['--zones', 'beijing,']],
  ])('is refused: %s', (_what, args) => {
    expect(() => boxArguments(args, {})).toThrow(expect.objectContaining({ code: 'USAGE', exitCode: 2 }))
  })
})
