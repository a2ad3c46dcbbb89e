import type { ReplayReport } from '@hutong/audit'
import { describe, expect, it } from 'vitest'
import { reportToHtml } from './audit-html.ts'

const zones = [
  { zone: 'beijing', nameZh: '北京' },
  { zone: 'tianjin', nameZh: '天津<b>&' },
  { zone: 'beichen', nameZh: '天津<b>&' },
] as const

function reportOf(charter: Pick<ReplayReport['charter'], 'zones'>): ReplayReport {
  const told = ['beijing', 'tianjin', 'beichen']
  return {
    outcome: 'agrees',
    charter: { sha256: new Uint8Array(32), pinned: true, newest: 0n, ...charter },
    position: 4n,
    root: new Uint8Array(32),
    head: undefined,
    cosigned: undefined,
    logs: told.map((zone) => ({ zone, origin: `a.example/z/${zone}/1`, size: 1n, root: new Uint8Array(32) })),
    counts: { leaves: 4n, events: 3n, bytes: 1n, heads: 1n, missingPayloads: 0n, mismatchedPayloads: 0n },
    digest: undefined,
    contradiction: undefined,
    verifiers: [{ kind: 'agrees', zone: 'beijing', position: 4n }],
    payloads: [],
    statistics: {
      days: told.map((zone) => ({ zone, day: '2026-06-01', events: 1 })),
      verdicts: told.map((zone) => ({ zone, code: 'ALREADY_ISSUED', events: 1 })),
      standings: told.map((zone) => ({ zone, word: 'IN_FORCE', subjects: 1 })),
      lags: told.map((zone) => ({ zone, classes: [1, 0, 0, 0, 0, 0, 0, 0] })),
    },
    evidence: [],
  }
}

describe('the page of a report', () => {
  it('calls zones by their Chinese names, in tables and charts, and tells two of one name apart', () => {
    const page = reportToHtml(reportOf({ zones }), 0, 0)
    expect(page).toContain('<td>北京</td>')
    expect(page).toContain('天津&lt;b&gt;&amp;（tianjin）')
    expect(page).not.toContain('<b>')
    expect(page).not.toMatch(/>(beijing|tianjin|beichen)</)
    for (const figure of page.split('<figure>').slice(1)) expect(figure).toMatch(/>北京</)
  })

  it('calls a zone that no charter names by its id', () => {
    const page = reportToHtml(reportOf({ zones: [] }), 0, 0)
    expect(page).toContain('<td>beijing</td>')
  })

  it('is green for what is in force and for nothing else, whatever else there is', () => {
    const words = ['EXPIRED', 'REVOKED', 'SUSPENDED', 'EVENT_UNREADABLE', 'SOMETHING_NEW']
    const pageOf = (told: readonly string[]) => {
      const standings = told.map((word) => ({ zone: 'beijing', word, subjects: 1 }))
      const report = reportOf({ zones })
      return reportToHtml({ ...report, statistics: { ...report.statistics, standings } }, 0, 0)
    }
    const coloursOf = (page: string) => new Set(page.match(/fill="(#[0-9a-f]{6})"/g))
    const green = 'fill="#3f8a4f"'
    expect(coloursOf(pageOf(['IN_FORCE']))).toContain(green)
    for (let count = 0; count <= words.length; count++) {
      expect(coloursOf(pageOf([...words.slice(0, count), 'IN_FORCE']))).toContain(green)
      expect(coloursOf(pageOf(words.slice(0, count)))).not.toContain(green)
    }
    expect(coloursOf(pageOf(['REVOKED']))).toContain('fill="#b3362b"')
  })

  it('speaks of a log and never of a chain', () => {
    const page = reportToHtml(reportOf({ zones }), 0, 0)
    expect(page).not.toContain('链')
    expect(page).toContain('到达枢纽的延迟（收到 − 记录）')
  })
})
