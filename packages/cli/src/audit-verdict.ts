import { answerAsOf } from '@hutong/audit'
import { readIdentifier } from '@hutong/licence'
import { charterPolicy } from '@hutong/verify'
import { verdictToJson } from '@hutong/wire'
import { type AsOfOption, asOfFrom } from './as-of.ts'
import { type AuditOptions, Sides } from './audit-sides.ts'
import type { Cli, Common } from './command.ts'
import { CommandError, exitOfVerdict, exits } from './exit.ts'
import { plain } from './print.ts'
import { printVerdict, verdictFromAnswer } from './verdict-answer.ts'

/** How often progress is told, in milliseconds. */
const progressPaceMs = 200

/** Options of `audit verdict`. */
export interface AuditVerdictOptions extends Common, AuditOptions, AsOfOption {
  readonly atZone: string
  readonly matter: string
  readonly holder?: string
  readonly from?: string
}

/** `hutong audit verdict`: what a zone's verifier must have answered as of then, rebuilt from the records alone. */
export async function auditVerdictCommand(cli: Cli, id: string, options: AuditVerdictOptions): Promise<number> {
  const identifier = readIdentifier(id)
  if (identifier.kind === 'malformed') {
    const { code, zh, en } = identifier.refusal
    throw new CommandError(exits.usage, code, `${code}: ${zh} ${en}`)
  }
  const asOf = asOfFrom(options)
  if (asOf === undefined) throw new CommandError(exits.usage, 'AS_OF', '--as-of: want a position or a time')
  using sides = new Sides(cli, options)
  const charterSha256 = await sides.charterSha256()
  const { from = 'hub' } = options
  const source = from === 'hub' ? await sides.hub() : (await sides.export(from, charterSha256)).source
  const answer = await answerAsOf({
    source,
    charterSha256,
    question: {
      identifier,
      matter: options.matter,
      receivingZone: options.atZone,
      holderCode: options.holder,
      fileSha256: undefined,
      policy: charterPolicy,
    },
    asOf,
    signal: cli.signal,
    onProgress: progressOf(cli),
  })
  cli.print.progress('')
  switch (answer.kind) {
    case 'not_yet':
      throw new CommandError(
        exits.unavailable,
        'NOT_YET',
        `NOT_YET: the newest cosigned head covers ${answer.cosigned} leaves; what was asked lies beyond it`,
      )
    case 'before_first_leaf':
      throw new CommandError(exits.usage, 'BEFORE_FIRST_LEAF', "BEFORE_FIRST_LEAF: before the alliance's first record")
    case 'contradiction': {
      const { code, reason, position } = answer.contradiction
      throw new CommandError(
        exits.negative,
        code,
        `${code} at position ${position}: ${plain(reason)}; no verdict rests on this`,
      )
    }
    case 'findings': {
      // It was shown by nobody: it has no receipt number, and the time of the check is that of this reading.
      const verdict = verdictToJson({ findings: answer.findings, checkedAtMs: cli.nowMs(), receiptNumber: '' })
      if (options.json) cli.print.json(verdict)
      else printVerdict(cli.print, verdictFromAnswer(verdict))
      return exitOfVerdict(answer.findings.word, answer.findings.code)
    }
  }
}

function progressOf(cli: Cli): (position: bigint) => void {
  let toldMs = cli.nowMs()
  return (position) => {
    const nowMs = cli.nowMs()
    if (nowMs - toldMs < progressPaceMs) return
    toldMs = nowMs
    cli.print.progress(`${position} leaves`)
  }
}
