import { tilePath } from '@hutong/merkle'

/** The head that an export is of: the hub's newest cosigned one. */
export const headPath = 'h/checkpoint'
/** Says that an export is in the making: what stands beside it is not to be relied on. */
export const unfinishedPath = 'unfinished'
/** The folder of all payload bundles; gone as a whole where the payloads were deleted. */
export const payloadsFolder = 'payloads'

/** The folder of a zone's log. */
export function logFolder(zone: string): string {
  return `z/${zone}`
}

/** The file of a charter. */
export function charterPath(number: bigint): string {
  return `charter/${number}`
}

/**
 * The payloads of the leaves that `tile/entries/<index>` of the zone's log holds, numbered as that one is.
 * @throws {RangeError} there is no such bundle.
 */
export function payloadBundlePath(zone: string, index: bigint, width: number): string {
  return `${payloadsFolder}/${zone}/${tilePath('entries', index, width).slice('tile/entries/'.length)}`
}

/** The zone in the origin of its log, `<alliance>/z/<zone>/<epoch>`; undefined for another text: it names no folder here. */
export function zoneInOrigin(origin: string): string | undefined {
  return /\/z\/([a-z][a-z0-9]{0,31})\/[1-9][0-9]{0,8}$/.exec(origin)?.[1]
}
