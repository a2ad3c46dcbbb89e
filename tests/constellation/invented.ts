import type { Charter, LicenceIssued, RecognitionDeclared } from '@hutong/licence'
import { identifierCheckCharacter } from '@hutong/licence'

/** A licence type that every authority of the demonstration may issue, and a matter that asks for it. */
const licenceType = '11100000MB0143028R001'
export const matter = 'KSTB-001'

/** A licence identifier of this authority, check character included. */
export function identifierOf(authority: string, serial: string, version = '001'): string {
  const check = identifierCheckCharacter(`${licenceType}${authority}${serial}${version}`)
  return `1.2.156.3005.2.${licenceType}.${authority}.${serial}.${version}.${check}`
}

/** An invented licence of a zone's authority. */
export function licenceOf(
  charter: Charter,
  zone: string,
  serial: string,
  over: Partial<LicenceIssued> = {},
): LicenceIssued {
  const authority = charter.zones.find(({ id }) => id === zone)!.authorities[0]!
  return {
    kind: 'licence_issued',
    identifier: identifierOf(authority.code, serial),
    authority: authority.code,
    authorityName: authority.nameZh,
    licenceType,
    name: '营业执照',
    number: `演示-${serial}`,
    issuedOn: '2026-01-05',
    holder: { name: '演示企业', code: holderCode, codeType: '001' },
    validFrom: '2026-01-05',
    validUntil: '',
    extensions: [],
    files: [],
    demonstration: true,
    ...over,
  }
}

/** The number of every invented holder, and a well-formed one of somebody else. */
export const holderCode = '91370406L24894136J'
export const otherHolderCode = '1110000000001332XW'

/** A zone's declaration that it recognises the invented licences of others for the matter; in force at once. */
export function declarationFor(issuingZones: readonly string[], fromMs: number): RecognitionDeclared {
  return {
    kind: 'recognition_declared',
    declarationId: 'story-c',
    version: 1,
    licenceType,
    issuingZones,
    matters: [matter],
    mode: 'cross_province',
    effectiveFromMs: fromMs,
    effectiveUntilMs: undefined,
    fields: ['holder_name', 'holder_code'],
    legalBasis: '演示',
  }
}
