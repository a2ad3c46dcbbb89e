import type { Extension, FileDigest, LicenceIssued } from './event.ts'

/** Whether two licences say the same, character for character and byte for byte; order counts in lists. */
export function sameLicence(left: LicenceIssued, right: LicenceIssued): boolean {
  return (
    texts.every((name) => left[name] === right[name]) &&
    left.demonstration === right.demonstration &&
    left.holder.name === right.holder.name &&
    left.holder.code === right.holder.code &&
    left.holder.codeType === right.holder.codeType &&
    sameList(left.extensions, right.extensions, sameExtension) &&
    sameList(left.files, right.files, sameFile)
  )
}

/** Every text of a licence; one left out here would be one that a correction cannot touch alone. */
const texts = [
  'identifier',
  'authority',
  'authorityName',
  'licenceType',
  'name',
  'number',
  'issuedOn',
  'validFrom',
  'validUntil',
] as const satisfies readonly (keyof LicenceIssued)[]

function sameList<T>(left: readonly T[], right: readonly T[], same: (left: T, right: T) => boolean): boolean {
  return left.length === right.length && left.every((item, at) => same(item, right[at]!))
}

function sameExtension(left: Extension, right: Extension): boolean {
  return left.name === right.name && left.value === right.value
}

function sameFile(left: FileDigest, right: FileDigest): boolean {
  return (
    left.sizeBytes === right.sizeBytes &&
    left.mediaType === right.mediaType &&
    sameBytes(left.sha256, right.sha256) &&
    sameBytes(left.sm3, right.sm3)
  )
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at])
}
