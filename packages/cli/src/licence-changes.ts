import { createHash } from 'node:crypto'
import { type Event, type FileDigest, type LicenceIssued, nextVersionOf } from '@hutong/licence'
import { sha256, sm3 } from '@hutong/signing'
import { eventToJson } from '@hutong/wire'
import type { Command } from 'commander'
import { type Cli, gathered, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile } from './files.ts'
import { licenceFromFile } from './licence-file.ts'
import { issuerOf, type PublishOptions, publishOne, withPublishing } from './publish.ts'

/** A file whose digests are taken is read whole. */
const digestedFileMaxBytes = 64 * 1024 * 1024
const example = '1.2.156.3005.2.11100000000013338W011.11110115010000001Q.202600000001.001.J'

/** `hutong licence amend`, `renew` and `correct`: what changes what a licence says. */
export function addLicenceChanges(cli: Cli, command: Command): void {
  addAmend(cli, command)
  addRenew(cli, command)
  addCorrect(cli, command)
}

interface ContentOptions extends PublishOptions {
  readonly file: string
  readonly reason: string
}

function addAmend(cli: Cli, command: Command): void {
  withPublishing(
    verb(command, 'amend <id>', 'put a new version in the place of a licence 变更', [
      `licence amend ${example} --file licence.json --reason 企业更名`,
    ]),
  )
    .requiredOption(
      '--file <file>',
      'the new version whole, as for issue ("-": standard input); an identifier left out is the next one',
    )
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: ContentOptions) => {
      cli.exitCode = await amend(cli, id, options)
    })
}

function addRenew(cli: Cli, command: Command): void {
  withPublishing(
    verb(command, 'renew <id>', 'prolong the period of a licence 延续', [
      `licence renew ${example} --until 2031-12-31`,
      `licence renew ${example} --until 2031-12-31 --file licence.ofd`,
    ]),
  )
    .requiredOption('--until <date>', 'its new last day, YYYY-MM-DD')
    .option('--file <file>', 'a file of the renewed licence, several times if need be; none: its files stay', gathered)
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: RenewOptions) => {
      cli.exitCode = await renew(cli, id, options)
    })
}

interface RenewOptions extends PublishOptions {
  readonly until: string
  readonly file?: readonly string[]
  readonly reason: string
}

function addCorrect(cli: Cli, command: Command): void {
  withPublishing(
    verb(command, 'correct <id>', 'put right what was written wrongly about a licence 更正', [
      `licence correct ${example} --file licence.json --reason 编号笔误`,
    ]),
  )
    .requiredOption('--file <file>', 'the licence whole, as it should have been, as for issue ("-": standard input)')
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: ContentOptions) => {
      cli.exitCode = await correct(cli, id, options)
    })
}

async function amend(cli: Cli, supersedes: string, { file, reason, ...options }: ContentOptions): Promise<number> {
  const licence = withIdentifier(await licenceFromFile(cli, file), nextVersionOf(supersedes) ?? '')
  return publishOne(cli, options, async (box) => {
    const zone = options.zone ?? issuerOf(await box.charter(), supersedes).zone
    const event: Event = { kind: 'licence_amended', licence, supersedes, reason, decidedOn: '' }
    // A version never counts again once it is superseded: the same amendment twice is told as "was there already".
    return { zone, event, requestId: requestIdOfAmendment(zone, event) }
  })
}

async function renew(
  cli: Cli,
  identifier: string,
  { until, file = [], reason, ...options }: RenewOptions,
): Promise<number> {
  const files = await Promise.all(file.map(fileDigest))
  return publishOne(cli, options, async (box) => {
    const issuer = issuerOf(await box.charter(), identifier)
    const { authority } = issuer
    const event: Event = {
      kind: 'licence_renewed',
      identifier,
      authority,
      validUntil: until,
      files,
      reason,
      decidedOn: '',
    }
    return { zone: options.zone ?? issuer.zone, event }
  })
}

async function correct(cli: Cli, identifier: string, { file, reason, ...options }: ContentOptions): Promise<number> {
  const licence = withIdentifier(await licenceFromFile(cli, file), identifier)
  if (licence.identifier !== identifier) {
    throw new CommandError(exits.usage, 'EVENT', `${file}: want the identifier ${identifier}; a correction keeps it`)
  }
  return publishOne(cli, options, async (box) => {
    const zone = options.zone ?? issuerOf(await box.charter(), identifier).zone
    return { zone, event: { kind: 'licence_corrected', licence, reason, decidedOn: '' } }
  })
}

function withIdentifier(licence: LicenceIssued, identifier: string): LicenceIssued {
  return licence.identifier === '' ? { ...licence, identifier } : licence
}

function requestIdOfAmendment(zone: string, event: Event): string {
  const canonical = JSON.stringify(['hutong/amend/v1', zone, eventToJson(event)])
  return createHash('sha256').update(canonical).digest('hex')
}

async function fileDigest(path: string): Promise<FileDigest> {
  const bytes = await bytesOfFile(path, digestedFileMaxBytes)
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  const mediaType = mediaTypes[extension] ?? 'application/octet-stream'
  return { sha256: sha256(bytes), sm3: sm3(bytes), sizeBytes: BigInt(bytes.length), mediaType }
}

const mediaTypes: Readonly<Record<string, string>> = {
  ofd: 'application/ofd',
  pdf: 'application/pdf',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
}
