import type { ExportDifference, ReplayReport, VerifierFinding } from '@hutong/audit'
import type { Cli } from './command.ts'
import { plain } from './print.ts'

/** A replay's report for a terminal. */
export function printReport({ print }: Cli, report: ReplayReport): void {
  const { outcome, position, root, counts, digest, contradiction, verifiers, charter } = report
  print.line(print.colour(outcomeColours[outcome], outcomeWords[outcome]))
  if (!charter.pinned) print.line('未指定章程，信任所见的第一份 no charter was given: the first one seen was trusted')
  print.line(`${counts.leaves} leaves of H, ${counts.events} events, ${counts.heads} heads`)
  print.line(`root    ${hex(root)} at position ${position}`)
  if (digest !== undefined)
    print.line(`digest  ${hex(digest.digest)} over ${digest.rows} rows at position ${digest.position}`)
  print.line()
  print.table(
    ['log', 'size', 'root'],
    report.logs.map(({ origin, size, root: logRoot }) => [plain(origin), String(size), hex(logRoot)]),
  )
  if (verifiers.length > 0) {
    print.line()
    print.table(['verifier', 'result', ''], verifiers.map(findingRow))
    printAdvice(print, verifiers)
  }
  if (contradiction !== undefined) {
    print.line()
    print.line(
      `first difference at position ${contradiction.position}: ${plain(contradiction.code)}  ${plain(contradiction.reason)}`,
    )
    for (const [side, exhibits] of [
      ['hub', contradiction.hub],
      ['own', contradiction.own],
    ] as const) {
      for (const { what, bytes } of exhibits) print.line(`  ${side}: ${plain(what)}  ${hex(bytes.subarray(0, 64))}`)
    }
    print.line('--json gives both sides whole')
    if (report.evidence.length === 0) print.line(noEvidence)
  }
  for (const { kind, eventId, position: at, saidRedacted } of report.payloads) {
    print.line(`payload ${kind}: ${plain(eventId)} at position ${at}${saidRedacted ? ', said to be redacted' : ''}`)
  }
}

/** What is wrong with the files of an export. */
export function printDifferences({ print }: Cli, named: readonly ExportDifference[], count: number): void {
  if (count === 0) return
  print.line()
  print.table(
    ['file', 'code', ''],
    named.map(({ path, code, place, reason }) => {
      const at = [
        place?.offset === undefined ? '' : `offset ${place.offset}`,
        place?.index === undefined ? '' : `index ${place.index}`,
        place?.eventId ?? '',
      ]
      return [plain(path), code, plain([...at.filter((part) => part !== ''), reason].join(', '))]
    }),
  )
  if (count > named.length) print.line(`and ${count - named.length} more`)
}

/** What to do about findings: once for each kind there is. */
export function printAdvice(print: Cli['print'], findings: readonly VerifierFinding[]): void {
  const advised = findings.filter((finding) => !('code' in finding) || finding.code !== 'PAYLOAD_MISSING')
  for (const kind of new Set(advised.map((finding) => finding.kind))) {
    const advice = adviceOf[kind]
    if (advice !== undefined) print.line(advice)
  }
}

/** One row of a table of findings: name, result, what was found. */
export function findingRow(finding: VerifierFinding): readonly string[] {
  const { zone, kind } = finding
  switch (kind) {
    case 'agrees':
      return [zone, 'agrees', `at position ${finding.position}`]
    case 'not_compared':
      return [zone, 'not compared', `${plain(finding.code)}  ${plain(finding.reason)}`]
    case 'root_differs':
      return [zone, 'DIFFERS', `another root at position ${finding.position}: ${hex(finding.verifier)}`]
    case 'inconsistent':
      return [zone, 'DIFFERS', `its copy is damaged or its answers do not fit each other: ${plain(finding.reason)}`]
    case 'row_differs': {
      const { kind: how, index, zone: of, subject, events } = finding.difference
      const named = events.map(({ eventId, position }) => eventId ?? `position ${position}`).join(', ')
      return [
        zone,
        'DIFFERS',
        `row ${index} ${how}: ${plain(of)} subject ${subject}${named === '' ? '' : `, ${plain(named)}`}`,
      ]
    }
  }
}

/** A difference that only the auditor's word stands for is no evidence. */
const noEvidence =
  '这一发现没有可供第三方核验的证据，须由审计者自己说明 no evidence for third parties: this finding is the auditor’s word'

const adviceOf: Readonly<Partial<Record<VerifierFinding['kind'], string>>> = {
  not_compared:
    '未能比对：启动该区的查验服务后再试 not compared: start that zone’s verifier and replay again; this is no difference',
  root_differs:
    '该区跟随的是另一份枢纽日志：停用其结论，保全其数据，再执行 audit replay --evidence that zone follows another log of the hub: stop using its answers, keep its data, and replay with --evidence',
  inconsistent:
    '该区的数据已损坏：停用其结论，移走其 verifier.sqlite，让它从枢纽重新取回 that zone’s copy is damaged: stop using its answers, move its verifier.sqlite away and let it fetch everything from the hub again',
  row_differs:
    '该区的数据与日志不符（并非对任何人的证据）：停用其结论，保全其 verifier.sqlite 以备调查，再让它重新取回 that zone’s copy does not say what the logs say (a finding, no evidence against anybody): stop using its answers, keep its verifier.sqlite for the inquiry, and let it fetch everything again',
}

const outcomeColours = { agrees: 'green', differs: 'red', incomplete: 'yellow' } as const

/** The outcome in words. */
export const outcomeWords: Readonly<Record<ReplayReport['outcome'], string>> = {
  agrees: '一致 AGREES',
  differs: '不一致 DIFFERS',
  incomplete: '未能全部比对 INCOMPLETE',
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
