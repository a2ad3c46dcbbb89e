import type { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  transportIdentityFromCertificate,
  transportIdentityFromText,
  transportIdentityToText,
} from './transport-identity.ts'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const identities = fc.record({
  alliance: fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
  caller: fc.record(
    {
      zone: fc.oneof(fc.constant('hub'), fc.stringMatching(/^[a-z][a-z0-9]{0,31}$/)),
      role: fc.constantFrom('publisher', 'log', 'verifier', 'counter', 'auditor', 'operator', 'client'),
      name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
    },
    { requiredKeys: ['zone', 'role'] },
  ),
})

function withNames(subjectAltName: string | undefined): X509Certificate {
  return { subjectAltName } as X509Certificate
}

describe('a transport identity', () => {
  it('is read as docs/domain.md writes it, with a name and without', () => {
    expect(transportIdentityFromText('hutong://jjj.hutong.example/hub/log')).toEqual({
      alliance: 'jjj.hutong.example',
      caller: { zone: 'hub', role: 'log' },
    })
    expect(transportIdentityFromText('hutong://jjj.hutong.example/beijing/client/registry-2')).toEqual({
      alliance: 'jjj.hutong.example',
      caller: { zone: 'beijing', role: 'client', name: 'registry-2' },
    })
  })

  it('comes back from its text', () => {
    fc.assert(
      fc.property(identities, (identity) => {
        expect(transportIdentityFromText(transportIdentityToText(identity as never))).toEqual(identity)
      }),
    )
  })

  it('has one spelling: what is read at all is written the same', () => {
    const near = fc.stringMatching(
      /^hutong:\/\/[a-zA-Z0-9./:@%-]{1,8}\/(hub|b)\/(log|Log|client)(\/[a-zA-Z0-9/_.-]{0,4})?$/,
    )
    fc.assert(
      fc.property(near, (text) => {
        const identity = transportIdentityFromText(text)
        if (!('kind' in identity)) expect(transportIdentityToText(identity)).toBe(text)
      }),
    )
  })

  it.each([
    ['nothing', '', 'IDENTITY_SCHEME'],
    ['another scheme', 'spiffe://a.example/hub/log', 'IDENTITY_SCHEME'],
    ['a scheme in capitals', 'HUTONG://a.example/hub/log', 'IDENTITY_SCHEME'],
    ['a blank before it', ' hutong://a.example/hub/log', 'IDENTITY_SCHEME'],
    ['no alliance', 'hutong:///hub/log', 'IDENTITY_ALLIANCE'],
    ['an alliance in capitals', 'hutong://A.example/hub/log', 'IDENTITY_ALLIANCE'],
    ['a port', 'hutong://a.example:1/hub/log', 'IDENTITY_ALLIANCE'],
    ['a user', 'hutong://u@a.example/hub/log', 'IDENTITY_ALLIANCE'],
    ['a dot at the end of the alliance', 'hutong://a.example./hub/log', 'IDENTITY_ALLIANCE'],
    ['an alliance of 64 characters', `hutong://${'a'.repeat(64)}/hub/log`, 'IDENTITY_ALLIANCE'],
    ['no zone', 'hutong://a.example//log', 'IDENTITY_ZONE'],
    ['a zone in capitals', 'hutong://a.example/Beijing/log', 'IDENTITY_ZONE'],
    ['a zone that begins with a digit', 'hutong://a.example/1/log', 'IDENTITY_ZONE'],
    ['a zone of 33 characters', `hutong://a.example/${'b'.repeat(33)}/log`, 'IDENTITY_ZONE'],
    ['no role', 'hutong://a.example/hub', 'IDENTITY_ROLE'],
    ['an unknown role', 'hutong://a.example/hub/admin', 'IDENTITY_ROLE'],
    ['a word that every object has', 'hutong://a.example/hub/constructor', 'IDENTITY_ROLE'],
    ['a query', 'hutong://a.example/hub/log?x', 'IDENTITY_ROLE'],
    ['a slash at the end', 'hutong://a.example/hub/log/', 'IDENTITY_NAME'],
    ['a percent sign', 'hutong://a.example/hub/log/a%2fb', 'IDENTITY_NAME'],
    ['a name with a dot', 'hutong://a.example/hub/log/a.b', 'IDENTITY_NAME'],
    ['a name of 33 characters', `hutong://a.example/hub/log/${'n'.repeat(33)}`, 'IDENTITY_NAME'],
    ['something after the name', 'hutong://a.example/hub/log/a/b', 'IDENTITY_NAME'],
    ['an end of line', 'hutong://a.example/hub/log/a\n', 'IDENTITY_NAME'],
    ['a letter that looks like another', 'hutong://a.example/hub/client/о', 'IDENTITY_NAME'],
  ])('is not read out of %s, and both languages say why', (_what, text, code) => {
    const refused = transportIdentityFromText(text)
    expect(refused).toMatchObject({ kind: 'no-identity', code })
    expect('kind' in refused && refused.zh).toMatch(/\p{Script=Han}/u)
    expect('kind' in refused && refused.en).toMatch(/^[\x20-\x7e]+$/)
  })

  it('is the only URI among the names of a certificate', () => {
    const names = 'DNS:p.example, URI:hutong://a.example/beijing/publisher, IP Address:10.0.0.7'
    expect(transportIdentityFromCertificate(withNames(names))).toMatchObject({ caller: { zone: 'beijing' } })
  })

  it.each([
    ['no names', undefined, 'IDENTITY_ABSENT'],
    ['host names alone', 'DNS:hutong.example', 'IDENTITY_ABSENT'],
    ['two URIs', 'URI:hutong://a.example/hub/log, URI:hutong://a.example/hub/auditor', 'IDENTITY_SEVERAL'],
    ['a URI of others beside ours', 'URI:hutong://a.example/hub/log, URI:urn:x', 'IDENTITY_SEVERAL'],
    ['a host name that pretends', 'DNS:"a, URI:hutong://a.example/hub/log, b"', 'IDENTITY_ABSENT'],
    [
      'a mail address that pretends after a quotation mark',
      'email:"a\\", URI:hutong://a.example/hub/log"',
      'IDENTITY_ABSENT',
    ],
    ['a URI with a comma', 'URI:"hutong://a.example/hub/log, DNS:b"', 'IDENTITY_SCHEME'],
    ['a quotation mark that is not closed', 'DNS:"a, URI:hutong://a.example/hub/log', 'IDENTITY_NAMES_UNREADABLE'],
  ])('is not found in a certificate with %s', (_what, names, code) => {
    expect(transportIdentityFromCertificate(withNames(names))).toMatchObject({ code })
  })
})
