import {
  ageWords,
  asOfWords,
  type Check,
  type CheckResult,
  type Finding,
  type Refusal,
  type Verdict,
  type Word,
  wordSentences,
} from '@hutong/licence'

/** A matter that can be named at this counter. */
export interface Matter {
  readonly code: string
  readonly nameZh: string
}

export interface PageParts {
  readonly zone: string
  /** The zone's own name, Chinese. */
  readonly zoneNameZh: string
  readonly matters: readonly Matter[]
  /** The server's clock, milliseconds since 1970. */
  readonly nowMs: number
}

/** What stands on the page besides the form. */
export type PageContent =
  | { readonly kind: 'empty' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly identifier: string; readonly matter: string }

/** The one page of a counter: the form, and what was found. It holds no script and no style of its own, and escapes all it is given. */
export function counterPage(parts: PageParts, content: PageContent): string {
  const { zone, zoneNameZh, nowMs } = parts
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>证照查验 ${escaped(zoneNameZh)}</title>
<link rel="stylesheet" href="/z/${escaped(zone)}/counter.css">
<script src="/z/${escaped(zone)}/counter.js" defer></script>
</head>
<body data-server-now="${nowMs}">
<header><h1>证照查验 <span lang="en">Licence verification</span></h1><p>${escaped(zoneNameZh)}</p></header>
<p id="clock-warning" class="warning" role="alert" hidden>本机时钟与服务器相差超过一分钟，请校准。
<span lang="en">This computer's clock differs from the server's by more than a minute.</span></p>
<main>
${form(parts, content)}
${main(content, nowMs)}
</main>
</body>
</html>
`
}

function form({ zone, matters }: PageParts, content: PageContent): string {
  const asked = askedOf(content)
  const options = matters
    .map(({ code, nameZh }) => `<option value="${escaped(code)}">${escaped(nameZh)}</option>`)
    .join('\n')
  return `<form method="post" action="/z/${escaped(zone)}/" autocomplete="off">
<label>证照标识 <span lang="en">Licence identifier</span>
<input name="identifier" required maxlength="128" autofocus spellcheck="false" value="${escaped(asked.identifier)}"></label>
<label>事项 <span lang="en">Matter</span>
<input name="matter" list="matters" maxlength="64" spellcheck="false" value="${escaped(asked.matter)}"></label>
<datalist id="matters">
${options}
</datalist>
<label>持证主体代码（可不填） <span lang="en">Holder's number, optional</span>
<input name="holderCode" maxlength="64" spellcheck="false"></label>
<button type="submit">查验 <span lang="en">Verify</span></button>
</form>`
}

function askedOf(content: PageContent): { readonly identifier: string; readonly matter: string } {
  switch (content.kind) {
    case 'empty':
      return { identifier: '', matter: '' }
    case 'verdict':
      return content.verdict.findings
    case 'refused':
      return content
  }
}

function main(content: PageContent, nowMs: number): string {
  switch (content.kind) {
    case 'empty':
      return ''
    case 'refused':
      return `<section class="refused" role="alert"><h2>无结论 <span lang="en">No verdict</span></h2>
<p>${escaped(content.refusal.zh)} <span lang="en">${escaped(content.refusal.en)}</span></p></section>`
    case 'verdict':
      return verdictSection(content.verdict, nowMs)
  }
}

function verdictSection({ findings, checkedAtMs, receiptNumber }: Verdict, nowMs: number): string {
  const { word, headlineZh, headlineEn, mode, successor, ageMs } = findings
  const title = wordSentences[word]
  const shownAgeMs = ageMs === undefined ? undefined : ageMs + Math.max(0, nowMs - checkedAtMs)
  const age = ageWords(shownAgeMs)
  const asOf = asOfWords(findings)
  return `<section class="verdict ${classes[word]}" aria-live="polite">
<h2>${escaped(title.zh)} <span lang="en">${escaped(word)}</span></h2>
<p class="headline">${escaped(headlineZh)} <span lang="en">${escaped(headlineEn)}</span></p>
${asOf === undefined ? '' : `<p class="as-of">${escaped(asOf.zh)} <span lang="en">${escaped(asOf.en)}</span></p>`}
${mode === 'on_behalf' ? '<p class="mode">仅收件 <span lang="en">Take in and forward only</span></p>' : ''}
${successor === '' ? '' : `<p>现行证照 <span lang="en">Instead</span> <code>${escaped(successor)}</code></p>`}
${licence(findings.licence)}
${checksTable(findings.findings, word)}
${nextSteps(findings.findings)}
<dl>
<dt>查验编号 <span lang="en">Receipt</span></dt><dd>${receiptNumber === '' ? '—' : escaped(receiptNumber)}</dd>
<dt>数据位置 <span lang="en">Position</span></dt><dd>${findings.position}</dd>
<dt>数据截至 <span lang="en">Data as of</span></dt><dd>${momentText(findings.dataTimeMs)}</dd>
${asOf === undefined ? `<dt>数据时效 <span lang="en">Age</span></dt><dd id="age"${shownAgeMs === undefined ? '' : ` data-age-ms="${shownAgeMs}"`}>${escaped(age.zh)} <span lang="en">${escaped(age.en)}</span></dd>` : ''}
<dt>查验时间 <span lang="en">Checked</span></dt><dd>${momentText(checkedAtMs)}</dd>
${findings.declaration === '' ? '' : `<dt>互认声明 <span lang="en">Declaration</span></dt><dd>${escaped(findings.declaration)}</dd>`}
</dl>
</section>`
}

const classes: Readonly<Record<Word, string>> = {
  VALID: 'valid',
  INVALID: 'invalid',
  NOT_RECOGNISED: 'not-recognised',
  UNDETERMINED: 'undetermined',
}

function licence(shown: Verdict['findings']['licence']): string {
  if (shown === undefined) return ''
  const period = `${shown.validFrom || '…'} – ${shown.validUntil || '…'}`
  return `<p class="licence">${escaped(shown.name)} · ${escaped(shown.holder.name)} · ${escaped(shown.authorityName)} · ${escaped(period)}</p>`
}

const checkWords: Readonly<Record<Check, string>> = {
  INTEGRITY: '内容',
  SIGNATURE: '签名',
  AUTHORITY: '权限',
  SEAL: '印章',
  STATUS: '状态',
  LOG: '见证',
  RECOGNITION: '互认',
  HOLDER: '持证主体',
}

const resultWords: Readonly<Record<CheckResult, string>> = {
  passed: '通过',
  failed: '不通过',
  unknown: '未能核验',
  skipped: '未要求',
}

function checksTable(findings: readonly Finding[], word: Word): string {
  if (findings.length === 0) return ''
  const rows = findings.map((finding) => {
    // Beside a bad verdict no good word: a clerk in a hurry reads the one she hoped for.
    const sentence = word !== 'VALID' && finding.result === 'passed' ? { zh: '', en: '' } : finding
    return `<tr class="${finding.result}"><th scope="row">${checkWords[finding.check]} <span lang="en">${finding.check}</span></th>
<td>${resultWords[finding.result]} <span lang="en">${finding.result}</span></td>
<td>${escaped(sentence.zh)} <span lang="en">${escaped(sentence.en)}</span></td><td><code>${escaped(finding.code)}</code></td></tr>`
  })
  return `<table><caption>八项检查 <span lang="en">Eight checks</span></caption><tbody>
${rows.join('\n')}
</tbody></table>`
}

function nextSteps(findings: readonly Finding[]): string {
  const asking = findings.filter(({ nextStepZh }) => nextStepZh !== '')
  if (asking.length === 0) return ''
  const items = asking.map(({ check, nextStepZh, nextStepEn, contact }) => {
    const whom =
      contact === undefined
        ? ''
        : `<br>${escaped(contact.telephone)} · ${escaped(contact.hoursZh)} · ${escaped(contact.addressZh)}
<span lang="en">${escaped(contact.hoursEn)} · ${escaped(contact.addressEn)}</span>`
    return `<li>${checkWords[check]}：${escaped(nextStepZh)} <span lang="en">${escaped(nextStepEn)}</span>${whom}</li>`
  })
  return `<h3>下一步 <span lang="en">Next step</span></h3><ul>
${items.join('\n')}
</ul>`
}

/** China Standard Time, to the second. */
function momentText(timeMs: number): string {
  return timeMs === 0 ? '—' : new Date(timeMs + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
