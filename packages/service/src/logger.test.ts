import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { createTerminalStream } from './terminal.ts'

function written(log: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = []
  log(createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } }))
  return lines
}

describe('the logger', () => {
  it('writes one JSON line for a fact, with its time and level in words', () => {
    const lines = written((log) => log.info({ zone: 'beijing' }, 'sealed'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', name: 'test', zone: 'beijing', msg: 'sealed' })
    expect(JSON.parse(lines[0] ?? '').time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it('writes no secret and no personal data, at the top, one deeper and two deeper, also of a child', () => {
    const lines = written((log) => {
      const facts = { token: 'S3CRET', holderNumber: 'S3CRET', licence_number: 'S3CRET', salt: 'S3CRET' }
      log.info({ ...facts, one: facts, deep: { two: facts } }, 'x')
      log.child({ authorization: 'S3CRET' }).info('x')
    })
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('S3CRET')
    expect(lines.join('')).toContain('[redacted]')
  })

  it('writes a line for people where a terminal reads, without characters that move its cursor', () => {
    let text = ''
    const out = createTerminalStream({
      write: (line) => {
        text += line
      },
    })
    const log = createLogger({ name: 'test', destination: out })
    log.warn({ zone: '北京', evil: '\u001b[2J\u202e' }, 'late')
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn test late zone=北京 evil=·\[2J·\n$/)
  })
})
