import type { Charter } from '@hutong/licence'
import { sha256 } from '@hutong/signing'
import { maxCharterSizeBytes, viewCharter } from '@hutong/verify'
import { charterFromBytes, charterToJson } from '@hutong/wire'
import type { Command } from 'commander'
import { charterDraftFromJson } from './charter-draft.ts'
import { type Cli, type Common, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, textOfFile, writeNewFile } from './files.ts'
import { firstCharter } from './first-charter.ts'
import { plain, span } from './print.ts'

const draftSizeMaxBytes = 4 * 1024 * 1024

/** `hutong charter …`: the alliance's constitution. */
export function charterCommand(cli: Cli): Command {
  const command = noun('charter', "make and show the alliance's charter")
  verb(command, 'new <draft>', 'make charter 0 out of a draft in JSON, and print the SHA-256 that every member pins', [
    'charter new draft.json --out charter-0.bin',
  ])
    .requiredOption('--out <file>', 'where its bytes go; a file that is there is left as it is')
    .action(async (draft: string, options: Common & { out: string }) => {
      cli.exitCode = await makeCharter(cli, draft, options)
    })
  verb(command, 'show <file>', 'show a charter and the SHA-256 of its bytes; exit 1 if its rules do not hold', [
    'charter show data/alliance/charter-0.bin',
  ]).action(async (file: string, options: Common) => {
    cli.exitCode = await showCharter(cli, file, options)
  })
  return command
}

async function makeCharter(cli: Cli, draft: string, options: Common & { out: string }): Promise<number> {
  const { bytes, sha256: hash } = firstCharter(charterDraftFromJson(await textOfFile(draft, draftSizeMaxBytes)))
  await writeNewFile(options.out, bytes, 0o644)
  if (options.json) cli.print.json({ file: options.out, sha256: hash, sizeBytes: bytes.length })
  else cli.print.line(`sha256 ${Buffer.from(hash).toString('hex')}`)
  return exits.done
}

async function showCharter(cli: Cli, file: string, options: Common): Promise<number> {
  const bytes = await bytesOfFile(file, maxCharterSizeBytes)
  const reading = charterFromBytes(bytes)
  if (reading.kind !== 'charter') throw new CommandError(exits.usage, 'CHARTER_UNREADABLE', `${file}: ${reading.why}`)
  const view = viewCharter(reading.charter)
  const fault = 'kind' in view ? view : undefined
  if (options.json) {
    cli.print.json({
      sha256: sha256(bytes),
      stands: fault === undefined,
      fault,
      charter: charterToJson(reading.charter),
    })
  } else {
    printCharter(cli, reading.charter, sha256(bytes))
    if (fault !== undefined) cli.print.line(`${fault.code}  ${fault.reason}`)
  }
  return fault === undefined ? exits.done : exits.negative
}

function printCharter({ print }: Cli, charter: Charter, hash: Uint8Array): void {
  print.line(`${plain(charter.nameZh)}  ${plain(charter.nameEn)}  ${plain(charter.alliance)}`)
  print.line(`charter ${charter.number}  sha256 ${Buffer.from(hash).toString('hex')}`)
  if (charter.demonstration) print.line('演示章程  a demonstration: its licences are recognised nowhere else')
  print.line(
    `heartbeat ${span(charter.heartbeatMs)}, T1 ${span(charter.freshMs)}, T2 ${span(charter.usableMs)}, clocks ±${span(charter.maxClockOffsetMs)}, admins ${charter.adminThreshold} of ${charter.keys.filter(({ role }) => role === 'admin').length}`,
  )
  print.line()
  print.table(
    ['zone', '区', 'region', 'authorities', 'log suite'],
    charter.zones.map(({ id, nameZh, region, authorities }) => [
      plain(id),
      plain(nameZh),
      plain(region),
      String(authorities.length),
      charter.logs.find(({ owner }) => owner === id)?.suite ?? '',
    ]),
  )
  print.line()
  print.table(
    ['role', 'owner', 'vkey'],
    charter.keys.map(({ role, owner, vkey }) => [role, plain(owner), plain(vkey)]),
  )
}
