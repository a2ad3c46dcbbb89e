import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkForm, readIdentifier } from '@hutong/licence'
import { describe, expect, it } from 'vitest'
import {
  declaredTypes,
  defaultZones,
  demonstrationDeclarations,
  demonstrationLicences,
  demonstrationMatters,
  demonstrationZones,
  undeclaredType,
} from './demonstration.ts'

const samples = join(import.meta.dirname, '../tests/samples')
const zones = demonstrationZones()
const ids = zones.map(({ id }) => id)

describe('the demonstration', () => {
  it('has the zones, types and matters of the samples', () => {
    const listed = JSON.parse(readFileSync(join(samples, 'licences/zones.json'), 'utf8')) as { id: string }[]
    expect(ids).toEqual(listed.map(({ id }) => id))
    for (const name of ['licence-types.csv', 'matters.csv']) {
      const own = readFileSync(join(import.meta.dirname, 'demonstration', name), 'utf8')
      expect(own).toBe(readFileSync(join(samples, 'alliance', name), 'utf8'))
      // It is read by cutting at commas.
      expect(own).not.toContain('"')
    }
  })

  it('gives nobody a telephone that could ring', () => {
    const contacts = zones.flatMap((zone) => zone.authorities.map((authority) => authority.contact!))
    for (const { telephone } of contacts) expect(telephone).toMatch(/^010-0000-\d{4}（演示）$/)
    expect(new Set(contacts.map(({ telephone }) => telephone)).size).toBe(zones.length)
  })

  it('has five licences for each zone, of its own authority, of a form that can be published', () => {
    for (const { id, authorities } of zones) {
      const licences = demonstrationLicences(id)
      expect(licences).toHaveLength(5)
      for (const licence of licences) {
        expect(checkForm(licence)).toBeUndefined()
        expect(licence.demonstration).toBe(true)
        expect(licence.holder.name).toMatch(/^演示/)
        expect(readIdentifier(licence.identifier)).toMatchObject({ issuer: { code: authorities[0]!.code } })
      }
    }
    const identifiers = ids.flatMap((id) => demonstrationLicences(id).map(({ identifier }) => identifier))
    expect(new Set(identifiers).size).toBe(identifiers.length)
  })

  it('declares every type of the sample licences but one', () => {
    const rows = readFileSync(join(samples, 'licences/licences.csv'), 'utf8').trimEnd().split('\n').slice(1)
    const types = new Set(rows.map((row) => row.split(',')[1]))
    expect(new Set([...declaredTypes, undeclaredType])).toEqual(types)
    const declared = new Set(demonstrationDeclarations('beijing', ids, 0).map(({ licenceType }) => licenceType))
    expect(declared).toEqual(new Set(declaredTypes))
  })

  it('declares only matters that ask for the type, in the mode the list gives, of all other zones', () => {
    const matters = new Map(demonstrationMatters().map((matter) => [matter.code, matter]))
    const words = { cross_province: '跨省通办', on_behalf: '异地代办' }
    const declarations = demonstrationDeclarations('tianjin', ids, 1_790_000_000_000)
    expect(new Set(declarations.map(({ declarationId }) => declarationId)).size).toBe(declarations.length)
    expect(new Set(declarations.map(({ mode }) => mode)).size).toBe(2)
    for (const declaration of declarations) {
      expect(checkForm(declaration)).toBeUndefined()
      expect(declaration.issuingZones).toEqual(ids.filter((id) => id !== 'tianjin'))
      for (const code of declaration.matters) {
        expect(matters.get(code)).toMatchObject({ mode: words[declaration.mode] })
        expect(matters.get(code)!.materials).toContain(declaration.licenceType)
      }
    }
  })

  it('declares nothing where there is no other zone', () => {
    expect(demonstrationDeclarations('beijing', ['beijing'], 0)).toEqual([])
  })

  it('takes three of its zones unless told', () => {
    expect(defaultZones.every((zone) => ids.includes(zone))).toBe(true)
  })
})
