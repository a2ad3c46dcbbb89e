import { opensCommitment } from '@hutong/batch'
import { decodeEntryBundle, entryBundlesForRange, tilePath, tileWidth } from '@hutong/merkle'
import { decodeLeaf } from '@hutong/wire'
import { type ExportDifference, exportDifference } from './export-difference.ts'
import type { ExportFiles } from './export-files.ts'
import { logFolder, payloadBundlePath, payloadsFolder } from './export-layout.ts'
import { decodePayloadBundle, type ExportedPayload } from './export-payload-bundle.ts'
import type { NamedLog } from './export-walk.ts'

/** So many bundles of one log are named as missing: its size is the word of whoever made the export, and may be any. */
const maxMissingBundles = 1000

/**
 * Every payload against the commitment in its leaf, and the bundles against their form. An export without any payload file has had its
 * payloads deleted: that is no difference. Leaves that cannot be read are not looked at here: they were named.
 */
export async function* checkPayloads(
  files: ExportFiles,
  logs: readonly NamedLog[],
  signal: AbortSignal | undefined,
): AsyncGenerator<ExportDifference> {
  const present = (await files.list()).filter((path) => path.startsWith(`${payloadsFolder}/`))
  if (present.length === 0) return
  const there = new Set(present)
  const wanted = new Set<string>()
  for (const log of logs) {
    let missing = 0
    for (const { index, width } of entryBundlesForRange(0n, log.size)) {
      signal?.throwIfAborted()
      const path = payloadBundlePath(log.zone, index, width)
      wanted.add(path)
      yield* checkBundle(files, log, path, index, width)
      if (!there.has(path) && ++missing === maxMissingBundles) break
    }
  }
  for (const path of present) {
    if (!wanted.has(path)) yield exportDifference(path, 'FILE_SUPERFLUOUS', 'no leaf has its payload here')
  }
}

async function* checkBundle(
  files: ExportFiles,
  { zone, origin }: NamedLog,
  path: string,
  index: bigint,
  width: number,
): AsyncGenerator<ExportDifference> {
  const bytes = await files.read(path)
  if (bytes === undefined) return yield exportDifference(path, 'FILE_MISSING', 'the payloads of these leaves')
  const firstIndex = index * BigInt(tileWidth)
  const { payloads, offsets, fault } = decodePayloadBundle(bytes, { origin, firstIndex, width })
  const leaves = await readLeaves(files, `${logFolder(zone)}/${tilePath('entries', index, width)}`, width)
  let isNamed = false
  for (const [at, payload] of payloads.entries()) {
    const leaf = leaves?.[at]
    if (leaf === undefined || opens(leaf, payload)) continue
    isNamed = true
    const eventId = `${origin}/${firstIndex + BigInt(at)}`
    yield exportDifference(path, 'FILE_ALTERED', 'not what the leaf commits to', { offset: offsets[at]!, eventId })
  }
  if (fault === undefined || isNamed) return
  const eventId =
    fault.isMalformed && payloads.length < width ? `${origin}/${firstIndex + BigInt(payloads.length)}` : undefined
  const place = { offset: fault.offset, ...(eventId === undefined ? {} : { eventId }) }
  yield exportDifference(path, fault.isMalformed ? 'FILE_MALFORMED' : 'FILE_ALTERED', fault.reason, place)
}

async function readLeaves(files: ExportFiles, path: string, width: number): Promise<readonly Uint8Array[] | undefined> {
  const bytes = await files.read(path)
  const bundle = bytes && decodeEntryBundle(bytes, width)
  return bundle?.kind === 'entries' ? bundle.entries : undefined
}

/** Whether what is given is what the leaf commits to; what is not given is no lie. */
function opens(leaf: Uint8Array, one: ExportedPayload): boolean {
  const decoded = decodeLeaf(leaf)
  if (one.kind !== 'given' || decoded.kind === 'unreadable') return true
  const { salt, payload } = one
  return opensCommitment({ leaf, salt, payload, payloadEncoding: 0 }, decoded.leaf.payloadCommitment)
}
