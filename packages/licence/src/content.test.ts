import { describe, expect, it } from 'vitest'
import { sameLicence } from './content.ts'
import type { LicenceIssued } from './event.ts'
import { issued } from './sample-events.ts'

const file = issued.files[0]!
const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(31, bytes[31]! ^ 1)

// One change for each member of a licence: a member that is added does not compile until it has one here.
const changes: { readonly [Name in keyof Omit<LicenceIssued, 'kind'>]: readonly LicenceIssued[Name][] } = {
  identifier: ['x'],
  authority: ['x'],
  authorityName: ['x'],
  licenceType: ['x'],
  name: ['x'],
  number: ['x'],
  issuedOn: ['x'],
  holder: [
    { ...issued.holder, name: 'x' },
    { ...issued.holder, code: 'x' },
    { ...issued.holder, codeType: 'x' },
  ],
  validFrom: [''],
  validUntil: [''],
  extensions: [
    [],
    [{ name: 'KZ_ZONE', value: 'Beijing' }],
    [{ name: 'KZ_ZONF', value: 'beijing' }],
    [...issued.extensions, { name: 'a', value: '' }],
  ],
  files: [
    [],
    [file, file],
    [{ ...file, sha256: flipped(file.sha256) }],
    [{ ...file, sm3: flipped(file.sm3) }],
    [{ ...file, sizeBytes: 4097n }],
    [{ ...file, mediaType: 'application/pdf' }],
  ],
  demonstration: [true],
}

describe('sameLicence', () => {
  it('takes a copy for the same', () => {
    expect(sameLicence(issued, structuredClone(issued))).toBe(true)
  })

  it.each(Object.entries(changes).flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    'sees another %s',
    (name, value) => {
      const other = { ...issued, [name]: value }
      expect([sameLicence(issued, other), sameLicence(other, issued)]).toEqual([false, false])
    },
  )

  it('sees the order of a list', () => {
    const [one, other] = [
      { name: 'a', value: '' },
      { name: 'b', value: '' },
    ]
    expect(sameLicence({ ...issued, extensions: [one!, other!] }, { ...issued, extensions: [other!, one!] })).toBe(
      false,
    )
  })
})
