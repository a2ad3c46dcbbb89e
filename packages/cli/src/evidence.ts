import { type EvidenceJudgement, judgeEvidence, maxEvidenceSizeBytes } from '@hutong/audit'
import type { Command } from 'commander'
import { charterOption, type GivenCharter } from './charter-option.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { exits } from './exit.ts'
import { bytesOfFile } from './files.ts'
import { pinnedCharter } from './pinned-charter.ts'
import { plain } from './print.ts'

/** `hutong evidence …`: what an audit found, judged by somebody else (formats F17). */
export function evidenceCommand(cli: Cli): Command {
  const command = noun('evidence', 'check evidence that somebody contradicts himself')
  charterOption(
    verb(command, 'verify <file>', 'exit 0 if the evidence holds, 1 if it does not; needs no box and no network', [
      'evidence verify two-heads.evidence.json --charter charter-0.bin',
    ]),
  ).action(async (file: string, options: Common & GivenCharter) => {
    cli.exitCode = await verifyFile(cli, file, options)
  })
  return command
}

async function verifyFile(cli: Cli, file: string, options: Common & GivenCharter): Promise<number> {
  const charter = await pinnedCharter(options)
  const judgement = judgeEvidence(await bytesOfFile(file, maxEvidenceSizeBytes), charter.bytes)
  if (options.json) cli.print.json(judgement)
  else printJudgement(cli, judgement)
  return judgement.kind === 'holds' ? exits.done : exits.negative
}

function printJudgement({ print }: Cli, judgement: EvidenceJudgement): void {
  switch (judgement.kind) {
    case 'holds': {
      const { against, charter, zh, en } = judgement
      print.line(`${print.colour('red', '证据成立 EVIDENCE HOLDS')}  against ${plain(against)}`)
      print.line(plain(zh))
      print.line(plain(en))
      print.line(`按第 ${charter} 号章程的密钥判定 judged by the keys of charter ${charter}`)
      return
    }
    case 'fails':
      print.line(`证据不成立 EVIDENCE FAILS  ${judgement.code}`)
      print.line(`${judgement.zh}  ${plain(judgement.reason)}`)
  }
}
