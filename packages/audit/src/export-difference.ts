/**
 * What is wrong with a file of an export, as a code that stays:
 * - `FILE_MISSING`: the heads ask for it and it is not there.
 * - `FILE_SUPERFLUOUS`: the heads do not ask for it.
 * - `FILE_MALFORMED`: it is not what a file at this path can be.
 * - `FILE_ALTERED`: what it says is not what was signed.
 * - `FILE_NOT_CANONICAL`: it says the right thing in other bytes than an export has.
 * - `CHECKPOINT_REFUSED`: the checkpoint is not signed as the charter asks.
 * - `SIGNATURE_LINE_UNKNOWN`: a line of a checkpoint by a key that the charter does not name for it.
 * - `CHARTER_REFUSED`: the charter is none, or does not follow from the one before.
 */
export type ExportDifferenceCode = keyof typeof sentences

/** Something in an export that is not as its heads say. */
export interface ExportDifference {
  /** The file: its path below the export's directory, with slashes. */
  readonly path: string
  readonly code: ExportDifferenceCode
  /** Where in the file, as far as it is known: whoever altered two things that are held against each other leaves no place. */
  readonly place: ExportPlace | undefined
  /** For people, in English: what was expected, and what is there. */
  readonly reason: string
  /** The code as a sentence. */
  readonly zh: string
  readonly en: string
}

/** A place in a file. */
export interface ExportPlace {
  /** Bytes before it. */
  readonly offset?: number
  /** Index of the leaf in its log, or of the hash in its level. */
  readonly index?: bigint
  /** `<origin>/<index>` of the event. */
  readonly eventId?: string
}

export function exportDifference(
  path: string,
  code: ExportDifferenceCode,
  reason: string,
  place?: ExportPlace,
): ExportDifference {
  return { path, code, place, reason, ...sentences[code] }
}

const sentences = {
  FILE_MISSING: { zh: '缺少日志头所要求的文件', en: 'a file that the heads ask for is missing' },
  FILE_SUPERFLUOUS: { zh: '存在日志头未要求的文件', en: 'a file that the heads do not ask for' },
  FILE_MALFORMED: { zh: '文件格式不符', en: 'the file is not of its format' },
  FILE_ALTERED: { zh: '文件内容与已签名的记录不一致', en: 'the file does not say what was signed' },
  FILE_NOT_CANONICAL: { zh: '文件的写法不是规定的写法', en: 'the file is not written in the one way there is' },
  CHECKPOINT_REFUSED: { zh: '检查点的签名不符合章程', en: 'the checkpoint is not signed as the charter asks' },
  SIGNATURE_LINE_UNKNOWN: {
    zh: '检查点上有章程以外的签名行',
    en: 'a signature line by a key that the charter does not name',
  },
  CHARTER_REFUSED: {
    zh: '章程无效或与前一份不衔接',
    en: 'the charter is none, or does not follow from the one before',
  },
} as const
