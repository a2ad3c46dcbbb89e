import type { RecognitionDeclared, RecognitionMode } from '@hutong/licence'
import type { MatrixRow } from '@hutong/wire'
import type { Command } from 'commander'
import { type AsOfOption, asOfFrom, withAsOf } from './as-of.ts'
import { type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, gathered, noun, verb, wordOf } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { moment, plain } from './print.ts'
import { type PublishOptions, publishOne, withPublishing } from './publish.ts'

const modes: readonly RecognitionMode[] = ['cross_province', 'on_behalf']
/** Matters shown of one declaration; `--json` gives all. */
const mattersShownMax = 4

/** `hutong recognition …`: which licences a zone recognises. */
export function recognitionCommand(cli: Cli): Command {
  const command = noun('recognition', 'declare which licences are recognised')
  withPublishing(
    verb(command, 'declare <id>', "declare in a zone's own log what it recognises from others", [
      'recognition declare food-permits --zone tianjin --type 11100000MB0143028R002 --from-zone beijing --matter KSTB-002 --mode cross_province --basis 合作协议',
    ]),
  )
    .requiredOption('--type <code>', 'licence type, 21 characters')
    .requiredOption('--from-zone <zone>', 'an issuing zone; may be given several times', gathered)
    .requiredOption('--matter <code>', 'a matter; may be given several times', gathered)
    .requiredOption('--mode <mode>', 'cross_province 跨省通办 or on_behalf 异地代办')
    .requiredOption('--basis <text>', 'legal basis')
    .option('--declaration-version <n>', '1 for the first, then one more each time', '1')
    .option('--from <moment>', 'from when, ISO 8601 (default: as soon as the charter allows)')
    .option('--until <moment>', 'until when, exclusive (default: no end)')
    .action(async (id: string, options: DeclareOptions) => {
      cli.exitCode = await declare(cli, id, options)
    })
  withPublishing(
    verb(command, 'withdraw <id>', 'withdraw a declaration, at once or from a moment on', [
      'recognition withdraw food-permits --zone tianjin --declaration-version 2',
    ]),
  )
    .requiredOption('--declaration-version <n>', 'one more than the version that is withdrawn')
    .option('--from <moment>', 'from when, ISO 8601 (default: at once)')
    .option('--reason <text>', 'why', '')
    .action(async (id: string, options: WithdrawOptions) => {
      cli.exitCode = await withdraw(cli, id, options)
    })
  withAsOf(
    withData(
      verb(command, 'matrix', 'the declarations in force, as a zone holds them', [
        'recognition matrix',
        'recognition matrix --zone tianjin --json',
        'recognition matrix --as-of 2026-03-01',
      ]),
    ),
  )
    .option('--zone <zone>', 'only what this zone declared')
    .action(async (options: MatrixOptions) => {
      cli.exitCode = await matrix(cli, options)
    })
  return command
}

interface DeclareOptions extends PublishOptions {
  readonly type: string
  readonly fromZone: readonly string[]
  readonly matter: readonly string[]
  readonly mode: string
  readonly basis: string
  readonly declarationVersion: string
  readonly from?: string
  readonly until?: string
}

function declare(cli: Cli, declarationId: string, options: DeclareOptions): Promise<number> {
  const until = options.until === undefined ? undefined : momentFrom('--until', options.until)
  const from = options.from === undefined ? undefined : momentFrom('--from', options.from)
  const declared: Omit<RecognitionDeclared, 'effectiveFromMs'> = {
    kind: 'recognition_declared',
    declarationId,
    version: versionFrom(options.declarationVersion),
    licenceType: options.type,
    issuingZones: options.fromZone,
    matters: options.matter,
    mode: wordOf('--mode', modes, options.mode),
    effectiveUntilMs: until,
    fields: [],
    legalBasis: options.basis,
  }
  return publishOne(cli, options, async (box) => {
    const { declarationLeadMs } = await box.charter()
    const effectiveFromMs = from ?? soonestMs(cli.nowMs(), declarationLeadMs)
    return { zone: zoneOf(options), event: { ...declared, effectiveFromMs } }
  })
}

/** As soon as the charter allows. Where it asks for a lead, the publisher counts it from a moment a little later than now. */
function soonestMs(nowMs: number, leadMs: number): number {
  return leadMs === 0 ? nowMs : nowMs + leadMs + leadSlackMs
}

interface WithdrawOptions extends PublishOptions {
  readonly declarationVersion: string
  readonly from?: string
  readonly reason: string
}

function withdraw(cli: Cli, declarationId: string, options: WithdrawOptions): Promise<number> {
  return publishOne(cli, options, async () => ({
    zone: zoneOf(options),
    event: {
      kind: 'recognition_withdrawn',
      declarationId,
      version: versionFrom(options.declarationVersion),
      effectiveFromMs: options.from === undefined ? undefined : momentFrom('--from', options.from),
      reason: options.reason,
    },
  }))
}

interface MatrixOptions extends Common, BoxOptions, AsOfOption {
  readonly zone?: string
}

async function matrix(cli: Cli, options: MatrixOptions): Promise<number> {
  const asOf = asOfFrom(options)
  const box = await findBox(cli, options)
  const asked = options.zone === undefined ? box.zones[0]! : knownZone(box, options.zone)
  using verifier = box.verifier(asked, 'auditor')
  const { rows, position, atMs } = await verifier.matrix(options.zone ?? '', { signal: cli.signal, asOf })
  if (options.json) cli.print.json({ position, at: new Date(Number(atMs)).toISOString(), rows })
  else {
    cli.print.table(
      ['receiving', 'licence type', 'issued by', 'mode', 'matters', 'declaration'],
      rows.map((row) => rowText(row)),
    )
    cli.print.line(`${rows.length} in force at position ${position}, ${moment(Number(atMs))}`)
  }
  return exits.done
}

function rowText({ receivingZone, declaration }: MatrixRow): readonly string[] {
  if (declaration === undefined) return [plain(receivingZone), '', '', '', '', '']
  const { licenceType, issuingZones, mode, matters, declarationId, version } = declaration
  const more = matters.length > mattersShownMax ? ` … (${matters.length})` : ''
  return [
    plain(receivingZone),
    plain(licenceType),
    plain(issuingZones.join(' ')),
    mode === 2 ? '异地代办' : '跨省通办',
    plain(matters.slice(0, mattersShownMax).join(' ')) + more,
    plain(`${declarationId}@${version}`),
  ]
}

const leadSlackMs = 60_000

function zoneOf({ zone }: PublishOptions): string {
  if (zone !== undefined) return zone
  throw new CommandError(exits.usage, 'USAGE', '--zone: want the zone that declares')
}

function versionFrom(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new CommandError(exits.usage, 'USAGE', `--declaration-version: want a whole number from 1 on, got "${text}"`)
}

function momentFrom(option: string, text: string): number {
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isFinite(atMs)) return atMs
  throw new CommandError(
    exits.usage,
    'USAGE',
    `${option}: want a moment such as 2026-12-01T00:00:00+08:00, got "${text}"`,
  )
}
