import { parseCheckpoint } from '@hutong/merkle'
import type { ReadResponse } from '@hutong/wire'
import { decodeHubLeaf } from '@hutong/wire'
import type { Command } from 'commander'
import { type BoxOptions, findBox, knownZone, withData } from './box.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exitOfRefusal, exits } from './exit.ts'
import { exportVerb } from './log-export.ts'
import { moment, plain } from './print.ts'

/** Records that one `log read` prints at most unless told. */
const readCountDefault = 100

/** `hutong log …`: the hub's log H. */
export function logCommand(cli: Cli): Command {
  const command = noun('log', "read the hub's log")
  withData(
    verb(command, 'head', 'the newest head and the newest cosigned one, as the hub gives them', ['log head']),
  ).action(async (options: Common & BoxOptions) => {
    cli.exitCode = await head(cli, options)
  })
  withData(
    verb(command, 'read', "the hub's records from a position on", [
      'log read',
      'log read --from 120 --count 10 --json',
    ]),
  )
    .option('--from <position>', 'index of the first leaf of H', '0')
    .option('--count <n>', 'how many records at most', String(readCountDefault))
    .action(async (options: ReadOptions) => {
      cli.exitCode = await read(cli, options)
    })
  exportVerb(cli, command)
  withData(
    verb(command, 'adopt', "take back from a zone's verifier what the hub had signed and has lost", [
      'log adopt --from tianjin --dry-run',
    ]),
  )
    .requiredOption('--from <zone>', 'whose verifier is asked')
    .option('--dry-run', 'only say what would be taken')
    .action(async (options: AdoptOptions) => {
      cli.exitCode = await adopt(cli, options)
    })
  return command
}

async function head(cli: Cli, options: Common & BoxOptions): Promise<number> {
  const box = await findBox(cli, options)
  using log = box.log()
  const heads = await log.heads({ signal: cli.signal })
  const told = { head: headOf(heads.head), cosigned: headOf(heads.cosigned) }
  if (options.json) cli.print.json(told)
  else {
    cli.print.table(
      ['', 'size', 'root', 'signature lines'],
      Object.entries(told).map(([name, one]) =>
        one === undefined ? [name, '', 'none', ''] : [name, String(one.size), one.root, String(one.lines)],
      ),
    )
  }
  return exits.done
}

/** What a signed head says; nothing is verified here. */
function headOf(
  note: Uint8Array,
): { origin: string; size: bigint; root: string; lines: number; note: string } | undefined {
  const text = Buffer.from(note).toString('utf8')
  const end = text.lastIndexOf('\n\n')
  const checkpoint = parseCheckpoint(text.slice(0, end + 1))
  if (end < 0 || checkpoint.kind === 'refused') return undefined
  const { origin, size, root } = checkpoint
  const lines = text.slice(end + 2).split('\n').length - 1
  return { origin, size, root: Buffer.from(root).toString('hex'), lines, note: text }
}

interface ReadOptions extends Common, BoxOptions {
  readonly from: string
  readonly count: string
}

async function read(cli: Cli, options: ReadOptions): Promise<number> {
  const fromIndex = wholeNumber('--from', options.from)
  const count = wholeNumber('--count', options.count)
  const box = await findBox(cli, options)
  using log = box.log()
  const rows: (readonly string[])[] = []
  const told: object[] = []
  for await (const { record } of log.read({ fromIndex, withoutPayloads: true }, { signal: cli.signal })) {
    if (BigInt(told.length) >= count) break
    const one = recordOf(record)
    told.push(one)
    rows.push([one.kind, one.index, one.receivedAt, plain(one.says)])
  }
  if (options.json) cli.print.json(told)
  else cli.print.table(['record', 'position', 'received', ''], rows)
  return exits.done
}

function recordOf(record: ReadResponse['record']): { kind: string; index: string; receivedAt: string; says: string } {
  const one = record?.record
  if (one === undefined) return { kind: 'unknown', index: '', receivedAt: '', says: '' }
  if (one.$case !== 'entry') {
    const told = headOf(one.value.checkpoint)
    return { kind: one.$case, index: '', receivedAt: '', says: `size ${told?.size ?? '?'}  ${told?.root ?? ''}` }
  }
  const reading = decodeHubLeaf(one.value.leaf)
  if (reading.kind !== 'hub_leaf')
    return { kind: 'entry', index: String(one.value.index), receivedAt: '', says: reading.why }
  const { entry, receivedAtMs } = reading.leaf
  const says =
    entry.kind === 'batch' ? `${entry.origin}  ${entry.oldSize} → ${entry.newSize}` : `charter ${entry.number}`
  return { kind: 'entry', index: String(one.value.index), receivedAt: moment(receivedAtMs), says }
}

interface AdoptOptions extends Common, BoxOptions {
  readonly from: string
  readonly dryRun?: true
}

async function adopt(cli: Cli, options: AdoptOptions): Promise<number> {
  const box = await findBox(cli, options)
  using log = box.log('operator')
  const zone = knownZone(box, options.from, '--from')
  const { oldSize, newSize, refusal } = await log.adopt(zone, options.dryRun === true, { signal: cli.signal })
  if (options.json) cli.print.json({ oldSize, newSize, refusal })
  else if (refusal !== undefined) cli.print.line(`${refusal.code}  ${plain(refusal.zh)}  ${plain(refusal.en)}`)
  else cli.print.line(`${options.dryRun ? 'would take' : 'took'} leaves ${oldSize} to ${newSize}`)
  return refusal === undefined ? exits.done : exitOfRefusal(refusal.code)
}

function wholeNumber(option: string, text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text)
  throw new CommandError(exits.usage, 'USAGE', `${option}: want a whole number, got "${text}"`)
}
