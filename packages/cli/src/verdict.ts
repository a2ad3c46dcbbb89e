import type { Command } from 'commander'
import { type BoxOptions, findBox, knownZone, problemError, withData } from './box.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exitOfVerdict, exits } from './exit.ts'
import { printVerdict, verdictFromAnswer } from './verdict-answer.ts'

/** `hutong verdict …`: what a counter has shown. */
export function verdictCommand(cli: Cli): Command {
  const command = noun('verdict', 'show a verdict that was given')
  withData(
    verb(command, 'show <receipt>', 'show again what a window was shown; exit codes as of licence verify', [
      'verdict show tianjin-42',
    ]),
  ).action(async (receipt: string, options: Common & BoxOptions) => {
    cli.exitCode = await show(cli, receipt, options)
  })
  return command
}

async function show(cli: Cli, receipt: string, options: Common & BoxOptions): Promise<number> {
  const match = /^([a-z][a-z0-9]{0,31})-\d{1,15}$/.exec(receipt)
  if (match === null) throw new CommandError(exits.usage, 'RECEIPT', 'a receipt number is <zone>-<running number>')
  const box = await findBox(cli, options)
  const zone = knownZone(box, match[1]!, 'receipt')
  const { status, body } = await box.request('GET', `/z/${zone}/v1/verdicts/${receipt}`, {
    token: box.token(zone, 'client'),
  })
  if (status !== 200) throw problemError(status, body)
  const answer = verdictFromAnswer(body)
  if (options.json) cli.print.json(body)
  else printVerdict(cli.print, answer)
  return exitOfVerdict(answer.findings.word, answer.findings.code)
}
