import type { Event, RevocationManner } from '@hutong/licence'
import type { Command } from 'commander'
import { type AsOfOption, asOfFrom, asOfInBody, withAsOf } from './as-of.ts'
import { type BoxOptions, findBox, knownZone, problemError, withData } from './box.ts'
import { type Cli, type Common, noun, verb, wordOf } from './command.ts'
import { exitOfVerdict } from './exit.ts'
import { requestIdOf } from './import/request-id.ts'
import { addImport } from './import/verb.ts'
import { addLicenceChanges } from './licence-changes.ts'
import { licenceFromFile } from './licence-file.ts'
import { addShow } from './licence-show.ts'
import { issuerOf, type PublishOptions, publishOne, withPublishing } from './publish.ts'
import { printVerdict, verdictFromAnswer } from './verdict-answer.ts'

const manners: readonly RevocationManner[] = ['cancelled', 'withdrawn', 'penalty']
const example = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.202600000001.001.J'

/** `hutong licence …` */
export function licenceCommand(cli: Cli): Command {
  const command = noun('licence', 'publish, import, look up and verify licences')
  withPublishing(
    verb(command, 'issue <file>', 'issue the licence in a JSON file ("-": standard input)', [
      'licence issue licence.json',
      'licence issue licence.json --wait sequenced',
    ]),
  ).action(async (file: string, options: PublishOptions) => {
    cli.exitCode = await issue(cli, file, options)
  })
  for (const name of ['suspend', 'resume'] as const) addChange(cli, command, name)
  addRevoke(cli, command)
  addLicenceChanges(cli, command)
  addImport(cli, command)
  addShow(cli, command)
  addVerify(cli, command)
  return command
}

function addChange(cli: Cli, command: Command, name: 'suspend' | 'resume'): void {
  const summary = name === 'suspend' ? 'suspend a licence 暂扣' : 'give a suspended licence back 暂扣发还'
  withPublishing(verb(command, `${name} <id>`, summary, [`licence ${name} ${example} --reason 复核`]))
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: PublishOptions & { reason: string }) => {
      const kind = name === 'suspend' ? 'licence_suspended' : 'licence_resumed'
      cli.exitCode = await change(cli, id, options, (decision) => ({ kind, ...decision }))
    })
}

function addRevoke(cli: Cli, command: Command): void {
  withPublishing(
    verb(command, 'revoke <id>', 'revoke a licence 注销, 撤销, 吊销', [`licence revoke ${example} --manner cancelled`]),
  )
    .requiredOption('--manner <manner>', 'cancelled 注销, withdrawn 撤销 or penalty 吊销')
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: PublishOptions & { reason: string; manner: string }) => {
      const manner = wordOf('--manner', manners, options.manner)
      cli.exitCode = await change(cli, id, options, (decision) => ({ kind: 'licence_revoked', manner, ...decision }))
    })
}

async function issue(cli: Cli, file: string, options: PublishOptions): Promise<number> {
  const event = await licenceFromFile(cli, file)
  return publishOne(cli, options, async (box) => {
    const zone = options.zone ?? issuerOf(await box.charter(), event.identifier).zone
    // The same licence under the same id: to issue it twice by mistake is told as "was there already".
    return { zone, event, requestId: requestIdOf(zone, event) }
  })
}

interface Decision {
  readonly identifier: string
  readonly authority: string
  readonly reason: string
  readonly decidedOn: string
}

function change(
  cli: Cli,
  identifier: string,
  options: PublishOptions & { reason: string },
  eventOf: (decision: Decision) => Event,
): Promise<number> {
  return publishOne(cli, options, async (box) => {
    const issuer = issuerOf(await box.charter(), identifier)
    const event = eventOf({ identifier, authority: issuer.authority, reason: options.reason, decidedOn: '' })
    return { zone: options.zone ?? issuer.zone, event }
  })
}

interface VerifyOptions extends Common, BoxOptions, AsOfOption {
  readonly atZone: string
  readonly matter: string
  readonly holder?: string
}

function addVerify(cli: Cli, command: Command): void {
  withAsOf(
    withData(
      verb(command, 'verify <id>', 'ask a zone whether a licence may be relied on there, for a matter', [
        `licence verify ${example} --at-zone tianjin --matter KSTB-001`,
        `licence verify ${example} --at-zone tianjin --matter KSTB-001 --holder 91110115MA0000000X`,
        `licence verify ${example} --at-zone tianjin --matter KSTB-001 --as-of 2026-03-01T09:00`,
      ]),
    ),
  )
    .requiredOption('--at-zone <zone>', 'the receiving zone')
    .requiredOption('--matter <code>', 'for which matter')
    .option('--holder <number>', "the presenter's number, compared with the holder's")
    .addHelpText('after', exitHelp)
    .action(async (id: string, options: VerifyOptions) => {
      cli.exitCode = await verify(cli, id, options)
    })
}

const exitHelp =
  '\nExit codes: 0 VALID, 1 INVALID or NOT_RECOGNISED, 3 UNDETERMINED, 5 not in the log, 2 malformed, 6 no answer (as of a time or position to come: not yet)'

async function verify(cli: Cli, identifier: string, options: VerifyOptions): Promise<number> {
  const asOf = asOfInBody(asOfFrom(options))
  const box = await findBox(cli, options)
  const zone = knownZone(box, options.atZone, '--at-zone')
  const { status, body } = await box.request('POST', `/z/${zone}/v1/verdicts`, {
    token: box.token(zone, 'client'),
    body: {
      identifier,
      matter: options.matter,
      ...(options.holder === undefined ? {} : { holderCode: options.holder }),
      ...asOf,
    },
  })
  if (status !== 200 && status !== 201) throw problemError(status, body)
  const answer = verdictFromAnswer(body)
  if (options.json) cli.print.json(body)
  else printVerdict(cli.print, answer)
  return exitOfVerdict(answer.findings.word, answer.findings.code)
}
