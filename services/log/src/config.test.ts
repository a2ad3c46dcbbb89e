import { describe, expect, it } from 'vitest'
import { logConfigFrom } from './config.ts'

const least = {
  HUTONG_LOG_DATA: 'data/hub',
  HUTONG_LOG_CHARTER: 'charter-0.bin',
  HUTONG_LOG_KEYS: 'hub-sm2.pem,hub-ed25519.pem',
  HUTONG_LOG_TOKENS: 'tokens.json',
  HUTONG_LOG_PORT: '0',
}

describe('the configuration of a log', () => {
  it('has defaults for what need not be said', () => {
    expect(logConfigFrom(least)).toMatchObject({
      keyFiles: ['hub-sm2.pem', 'hub-ed25519.pem'],
      host: '127.0.0.1',
      headIntervalMs: 100,
      headEntriesMax: 64,
      verifiersAddress: undefined,
    })
  })

  it.each([
    ['a missing charter', { HUTONG_LOG_CHARTER: undefined }, 'HUTONG_LOG_CHARTER'],
    ['a time with a unit', { HUTONG_LOG_HEAD_INTERVAL_MS: '10s' }, 'HUTONG_LOG_HEAD_INTERVAL_MS'],
    ['no entry at all before a head', { HUTONG_LOG_HEAD_ENTRIES: '0' }, 'HUTONG_LOG_HEAD_ENTRIES'],
    ['verifiers without a token', { HUTONG_LOG_VERIFIERS: '127.0.0.1:1' }, 'HUTONG_LOG_VERIFIERS_TOKEN'],
  ])('refuses %s by name', (_, change, field) => {
    expect(() => logConfigFrom({ ...least, ...change })).toThrow(field)
  })
})
