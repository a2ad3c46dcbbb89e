import { describe, expect, it } from 'vitest'
import { createPrint, moment, plain } from './print.ts'

function printing(options: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const written = { out: '', err: '' }
  const { isTTY = false, env = {} } = options
  const out = { isTTY, write: (text: string) => (written.out += text) }
  const err = { isTTY, write: (text: string) => (written.err += text) }
  return { print: createPrint(out, err, env), written }
}

describe('printing', () => {
  it('aligns columns behind letters that are two columns wide', () => {
    const { print, written } = printing()
    print.table(
      ['a', 'b'],
      [
        ['北京', 'x'],
        ['abcd', 'y'],
      ],
    )
    expect(written.out).toBe(' a      b\n 北京   x\n abcd   y\n')
  })

  it('writes progress only to a terminal', () => {
    const [file, terminal] = [printing(), printing({ isTTY: true })]
    file.print.progress('half')
    terminal.print.progress('half')
    expect(file.written.err).toBe('')
    expect(terminal.written.err).toContain('half')
  })

  it('colours only a terminal, and none where NO_COLOR is set', () => {
    expect(printing().print.colour('red', 'x')).toBe('x')
    expect(printing({ isTTY: true }).print.colour('red', 'x')).not.toBe('x')
    expect(printing({ isTTY: true, env: { NO_COLOR: '1' } }).print.colour('red', 'x')).toBe('x')
  })

  it('writes integers beyond 2^53 as texts and bytes as hex', () => {
    const { print, written } = printing()
    print.json({ small: 7n, large: 2n ** 53n, bytes: Uint8Array.of(1, 255), buffer: Buffer.of(2) })
    expect(JSON.parse(written.out)).toEqual({ small: 7, large: '9007199254740992', bytes: '01ff', buffer: '02' })
  })

  it('lets no text from outside move the cursor, turn the writing round or break the line', () => {
    expect(plain('a\u001b[2Jb\u202ec\nd\u2028')).toBe('a·[2Jb·c·d·')
    expect(plain('北京 ok')).toBe('北京 ok')
  })

  it('tells moments in China Standard Time', () => {
    expect(moment(0)).toBe('1970-01-01 08:00:00 +08:00')
    expect(moment(Number.NaN)).toBe('NaN')
  })
})
