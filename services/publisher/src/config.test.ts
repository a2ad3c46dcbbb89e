import { ConfigurationError } from '@hutong/service'
import { describe, expect, it } from 'vitest'
import { publisherConfig } from './config.ts'

const whole = {
  HUTONG_ZONE: 'beijing',
  HUTONG_CHARTER: 'charter.binpb',
  HUTONG_KEYS: 'sm2.pem,ed25519.pem',
  HUTONG_STORE: 'publisher.sqlite',
  HUTONG_HUB: '127.0.0.1:4980',
  HUTONG_CLIENTS: 'office=token-of-the-office=all,registry=token-of-the-registry=11110000000021135M+1110000000001332XW',
}

describe('publisherConfig', () => {
  it('reads whom each client may speak for', () => {
    const { clients, callers, keyPaths, verifierAddress } = publisherConfig(whole)
    expect([...clients]).toEqual([
      ['office', 'all'],
      ['registry', ['11110000000021135M', '1110000000001332XW']],
    ])
    expect(callers.get('token-of-the-registry')).toEqual({ zone: 'beijing', role: 'client', name: 'registry' })
    expect(keyPaths).toEqual(['sm2.pem', 'ed25519.pem'])
    expect(verifierAddress).toBeUndefined()
  })

  it('answers by HTTP only where a port is named for it', () => {
    expect(publisherConfig(whole).httpPort).toBeUndefined()
    expect(publisherConfig({ ...whole, HUTONG_HTTP_PORT: '4990' }).httpPort).toBe(4990)
    expect(() => publisherConfig({ ...whole, HUTONG_HTTP_PORT: '' })).toThrow(ConfigurationError)
  })

  for (const name of Object.keys(whole)) {
    it(`does not start without ${name}`, () => {
      expect(() => publisherConfig({ ...whole, [name]: undefined })).toThrow(ConfigurationError)
    })
  }

  for (const clients of [
    'office',
    'office=token',
    'office==all',
    '=token=all',
    'a=t=all=b',
    'a=t=all,a=u=all',
    'a=t=all,b=t=all',
    '',
  ]) {
    it(`refuses the clients "${clients}" and repeats no token`, () => {
      const read = () => publisherConfig({ ...whole, HUTONG_CLIENTS: clients })
      expect(read).toThrow(ConfigurationError)
      expect(read).not.toThrow(/=t=/)
    })
  }
})
