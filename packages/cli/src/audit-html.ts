import { lagBordersMs, type ReplayReport } from '@hutong/audit'
import { type EChartsOption, init } from 'echarts'
import { outcomeWords } from './audit-report.ts'
import { moment, span } from './print.ts'

const chartWidth = 960
const chartHeight = 320

/**
 * A replay's report as one page that needs nothing else: no script, no font, no address. In it stand numbers of zones and codes; no licence,
 * no person, no identifier. @param differences of an export's files. @param nowMs when it was written.
 */
export function reportToHtml(report: ReplayReport, differences: number, nowMs: number): string {
  const { outcome, contradiction } = report
  const nameOf = zoneNames(report)
  const statistics = withZoneNames(report.statistics, nameOf)
  const sections = [
    facts(report, differences, nameOf),
    findings(report, nameOf),
    contradiction === undefined
      ? ''
      : section(
          '首个矛盾 First contradiction',
          paragraph(`${contradiction.code} · ${contradiction.position} · ${contradiction.reason}`),
        ),
    section('逐日事件 Events by day', chart(daysChart(statistics))),
    section('未成立的事件（按原因） Events that do not stand, by code', refusals(statistics)),
    section('证照状态 Standing of licences', chart(standingsChart(statistics))),
    section('到达枢纽的延迟（收到 − 记录） Lag: received − logged', chart(lagsChart(statistics))),
  ]
  return `<!doctype html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>审计报告 Audit report</title>
<style>${style}</style>
</head>
<body>
<header><h1>审计报告 <span>Audit report</span></h1><p class="outcome ${outcome}">${escaped(outcomeWords[outcome])}</p>
<p>${escaped(moment(nowMs))}</p></header>
${sections.join('\n')}
</body>
</html>
`
}

/** What the charter calls a zone; the id of one that it does not name, and beside a name that another zone bears too. */
type NameOfZone = (zone: string) => string

function zoneNames({ charter: { zones } }: ReplayReport): NameOfZone {
  return (asked) => {
    const name = zones.find(({ zone }) => zone === asked)?.nameZh
    if (name === undefined) return asked
    return zones.some(({ zone, nameZh }) => zone !== asked && nameZh === name) ? `${name}（${asked}）` : name
  }
}

function withZoneNames({ days, verdicts, standings, lags }: Statistics, nameOf: NameOfZone): Statistics {
  const named = <Row extends { readonly zone: string }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, zone: nameOf(row.zone) }))
  return { days: named(days), verdicts: named(verdicts), standings: named(standings), lags: named(lags) }
}

function facts(
  { counts, position, root, digest, charter, logs }: ReplayReport,
  differences: number,
  nameOf: NameOfZone,
): string {
  const rows: (readonly [string, string])[] = [
    ['位置 Position of H', String(position)],
    ['根 Root', hex(root)],
    ...(digest === undefined
      ? []
      : ([
          ['状态摘要 State digest', `${hex(digest.digest)}`],
          ['状态行数 Rows', `${digest.rows} @ ${digest.position}`],
        ] as const)),
    ['章程 Charter', `${charter.newest ?? '–'}${charter.pinned ? '' : '（未指定 not pinned）'}`],
    ['事件 Events', String(counts.events)],
    ['签名日志头 Signed heads', String(counts.heads)],
    ['缺失载荷 Missing payloads', String(counts.missingPayloads)],
    ['不符载荷 Payloads that do not open', String(counts.mismatchedPayloads)],
    ['导出文件差异 Differences of files', String(differences)],
  ]
  const zones = table(
    ['区 Zone', '日志大小 Log size', '根 Root'],
    logs.map(({ zone, size, root: of }) => [nameOf(zone), String(size), hex(of)]),
  )
  return section('概要 Summary', table([], rows) + zones)
}

function findings({ verifiers }: ReplayReport, nameOf: NameOfZone): string {
  if (verifiers.length === 0) return ''
  const rows = verifiers.map((finding) => {
    const said = finding.kind === 'not_compared' ? finding.code : `@ ${finding.position}`
    return [nameOf(finding.zone), findingWords[finding.kind], said]
  })
  return section('各区比对 Verifiers', table(['区 Zone', '结果 Result', ''], rows))
}

const findingWords: Readonly<Record<ReplayReport['verifiers'][number]['kind'], string>> = {
  agrees: '一致 agrees',
  not_compared: '未比对 not compared',
  root_differs: '日志不同 another log',
  row_differs: '状态不同 another state',
  inconsistent: '数据损坏 damaged',
}

type Statistics = ReplayReport['statistics']

function daysChart({ days }: Statistics): EChartsOption {
  const zones = distinct(days.map(({ zone }) => zone))
  const names = distinct(days.map(({ day }) => day))
  const counts = new Map(days.map(({ zone, day, events }) => [`${zone} ${day}`, events]))
  return {
    ...axes(names.map((day) => day || '更早 earlier')),
    series: zones.map((zone) => ({
      name: zone,
      type: 'bar',
      stack: 'all',
      barMaxWidth: 48,
      data: names.map((day) => counts.get(`${zone} ${day}`) ?? 0),
    })),
  }
}

function standingsChart({ standings }: Statistics): EChartsOption {
  const zones = distinct(standings.map(({ zone }) => zone))
  const words = distinct(standings.map(({ word }) => word))
  const counts = new Map(standings.map(({ zone, word, subjects }) => [`${zone} ${word}`, subjects]))
  return {
    ...axes(zones),
    series: words.map((word) => ({
      name: `${standingWordsZh[word] ?? ''} ${word}`.trim(),
      type: 'bar',
      stack: 'all',
      barMaxWidth: 48,
      itemStyle: { color: standingColours[word] ?? openColour },
      data: zones.map((zone) => counts.get(`${zone} ${word}`) ?? 0),
    })),
  }
}

function lagsChart({ lags }: Statistics): EChartsOption {
  const classes = [...lagBordersMs.map((border) => `≤ ${span(border)}`), `> ${span(lagBordersMs.at(-1)!)}`]
  return {
    ...axes(classes),
    series: lags.map(({ zone, classes: counts }) => ({ name: zone, type: 'bar', barMaxWidth: 32, data: [...counts] })),
  }
}

function refusals({ verdicts }: Statistics): string {
  const refused = verdicts.filter(({ code }) => code !== 'STANDS')
  if (refused.length === 0) return paragraph('无 none')
  const zones = distinct(refused.map(({ zone }) => zone))
  const codes = distinct(refused.map(({ code }) => code))
  const counts = new Map(refused.map(({ zone, code, events }) => [`${zone} ${code}`, events]))
  return chart({
    ...axes(codes),
    series: zones.map((zone) => ({
      name: zone,
      type: 'bar',
      stack: 'all',
      barMaxWidth: 48,
      data: codes.map((code) => counts.get(`${zone} ${code}`) ?? 0),
    })),
  })
}

function axes(names: readonly string[]): EChartsOption {
  return {
    animation: false,
    // Of zones: no green and no red, which say how a licence stands.
    color: ['#2f5d8a', '#c98a3f', '#3f8a8a', '#6b4f8a', '#8a6d2f', '#7fa3c7', '#a0709c', '#707a86'],
    textStyle: { fontFamily: fonts },
    legend: { top: 0, type: 'plain' },
    grid: { left: 64, right: 16, top: 56, bottom: 56 },
    xAxis: { type: 'category', data: [...names], axisLabel: { hideOverlap: true, interval: 'auto' } },
    yAxis: { type: 'value', minInterval: 1 },
  }
}

function chart(option: EChartsOption): string {
  const drawn = init(null, null, { renderer: 'svg', ssr: true, width: chartWidth, height: chartHeight })
  try {
    drawn.setOption(option)
    return `<figure>${drawn.renderToSVGString()}</figure>`
  } finally {
    drawn.dispose()
  }
}

function section(title: string, content: string): string {
  return `<section><h2>${escaped(title)}</h2>${content}</section>`
}

function paragraph(text: string): string {
  return `<p>${escaped(text)}</p>`
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heading.length === 0 ? '' : `<tr>${heading.map((cell) => `<th>${escaped(cell)}</th>`).join('')}</tr>`
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
  return `<table>${head}${body.join('')}</table>`
}

/** Reasons may quote what a hub or a verifier wrote. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

const standingWordsZh: Readonly<Record<string, string>> = {
  IN_FORCE: '状态正常',
  SUSPENDED: '暂扣中',
  REVOKED: '已撤销',
  EXPIRED: '已过期',
  NOT_YET_VALID: '尚未生效',
  SUPERSEDED: '已有新版本',
  TRANSFERRED: '已转出',
  NONE: '无证照',
  DECLARATION: '互认声明',
  EVENT_UNREADABLE: '有记录无法读取',
  EVENT_NOT_UNDERSTOOD: '有记录尚不认识',
  ADVERSE_EVENT_REFUSED: '有不利记录待澄清',
}

/** Of a code that is not known here. */
const openColour = '#8d6fb0'
/** Green is what is in force and nothing else; red is withdrawn, amber held up, grey and brown over, violet waits to be cleared. */
const standingColours: Readonly<Record<string, string>> = {
  IN_FORCE: '#3f8a4f',
  SUSPENDED: '#d08a1d',
  REVOKED: '#b3362b',
  EXPIRED: '#8a6b52',
  NOT_YET_VALID: '#6fa3c7',
  SUPERSEDED: '#9aa5ad',
  TRANSFERRED: '#5b6f86',
  NONE: '#c9d0d6',
  DECLARATION: '#2f5d8a',
  EVENT_UNREADABLE: '#6a4b92',
  EVENT_NOT_UNDERSTOOD: '#b08dcb',
  ADVERSE_EVENT_REFUSED: '#c0568f',
}

const fonts = "'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"

const style = `
body { font-family: ${fonts}; color: #1d2730; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; line-height: 1.5 }
h1 { font-size: 1.6rem; margin: 0 } h1 span { color: #5b6873; font-weight: 400 }
h2 { font-size: 1.1rem; border-bottom: 1px solid #d5dbe0; padding-bottom: .25rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .5rem 0; width: 100% }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; overflow-wrap: anywhere; font-size: .9rem }
th { color: #5b6873; font-weight: 500 }
figure { margin: 0; overflow-x: auto } svg { max-width: 100%; height: auto }
.outcome { font-size: 1.2rem; font-weight: 600; padding: .4rem .8rem; display: inline-block; border-radius: .25rem }
.agrees { background: #e2f1e5; color: #1f5c2e } .differs { background: #f8e1dc; color: #8c2316 }
.incomplete { background: #f8f0d8; color: #6b5310 }
@media print { body { margin: 0 } section { break-inside: avoid } }
`
