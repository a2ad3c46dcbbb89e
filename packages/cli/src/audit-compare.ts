import { type CompareReport, type CompareSide, compareSides } from '@hutong/audit'
import { tellEvidence, writeEvidenceAndTell } from './audit-evidence.ts'
import { outcomeExits, progressOf } from './audit-replay.ts'
import { findingRow, outcomeWords, printAdvice } from './audit-report.ts'
import { type AuditOptions, Sides, sideFromText } from './audit-sides.ts'
import type { Cli, Common } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { plain } from './print.ts'

/** Options of `audit compare`. */
export interface CompareOptions extends Common, AuditOptions {
  readonly evidence?: string
}

/** `hutong audit compare A B…`. */
export async function compareCommand(cli: Cli, names: readonly string[], options: CompareOptions): Promise<number> {
  if (names.length < 2 || new Set(names).size !== names.length) {
    throw new CommandError(exits.usage, 'USAGE', 'want at least two different sides')
  }
  using opened = new Sides(cli, options)
  const charterSha256 = await opened.charterSha256()
  const sides: CompareSide[] = []
  for (const name of names) sides.push(await sideOf(opened, name, charterSha256))
  const report = await compareSides({
    sides,
    charterSha256,
    signal: cli.signal,
    onProgress: progressOf(cli),
  })
  cli.print.progress('')
  await writeEvidenceAndTell(report.evidence, options.evidence, (evidence) => {
    if (options.json) return cli.print.json({ ...report, evidence: undefined, evidenceFiles: evidence })
    printCompared(cli, report)
    tellEvidence(cli, report.evidence, evidence)
  })
  return outcomeExits[report.outcome]
}

async function sideOf(opened: Sides, name: string, charterSha256: Uint8Array): Promise<CompareSide> {
  const side = sideFromText(name)
  switch (side.kind) {
    case 'hub':
      return { kind: 'records', name, source: await opened.hub() }
    case 'export':
      return { kind: 'records', name, source: (await opened.export(side.directory, charterSha256)).source }
    case 'verifier':
      return { kind: 'verifier', name, peer: await opened.verifier(side.zone) }
  }
}

function printCompared({ print }: Cli, report: CompareReport): void {
  const { outcome, position, reference, root, digest, sides, contradictions, leaves } = report
  print.line(outcomeWords[outcome])
  if (position !== undefined) print.line(`position ${position}, held against ${plain(reference ?? 'nothing')}`)
  if (root !== undefined) print.line(`root    ${hex(root)}`)
  if (digest !== undefined) print.line(`digest  ${hex(digest)}`)
  print.line()
  print.table(['side', 'result', ''], sides.map(findingRow))
  printAdvice(print, sides)
  for (const { side, code, reason, position: at } of contradictions) {
    print.line(`${plain(side)}: at position ${at} ${plain(code)}  ${plain(reason)}`)
  }
  for (const { side, index, own, other } of leaves) {
    print.line(`first leaf of H that differs: ${index}`)
    print.line(`  ${plain(reference ?? '')}: ${own === undefined ? 'not given' : hex(own.subarray(0, 64))}`)
    print.line(`  ${plain(side)}: ${other === undefined ? 'not given' : hex(other.subarray(0, 64))}`)
  }
  for (const finding of sides) {
    if (finding.kind !== 'row_differs') continue
    const { own, verifier } = finding.difference
    print.line(`  ${plain(reference ?? '')}: ${own === undefined ? 'no row' : hex(own.subarray(0, 64))}`)
    print.line(`  ${plain(finding.zone)}: ${verifier === undefined ? 'no row' : hex(verifier.subarray(0, 64))}`)
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
