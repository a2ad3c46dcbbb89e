import { readIdentifier, refusal, type Verdict } from '@hutong/licence'
import { createHttpServer, createLogger, type HttpServer } from '@hutong/service'
import { createMemoryStore, type Store, StoreUnavailableError } from '@hutong/store'
import { createFaultyStore } from '@hutong/store/faulty-store'
import { revoked, World, worldMatter } from '@hutong/verify/world'
import { verdictToJson } from '@hutong/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CounterService, createCounterService } from './context.ts'
import { type CounterVerifier, VerifierAwayError } from './counter.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const token = 'a-token-of-the-zone-tianjin-0123456789'
const elsewhere = 'a-token-of-the-zone-beijing-0123456789'
const tokens = new Map([
  [token, { zone: 'tianjin', role: 'client' as const, name: 'cli' }],
  [elsewhere, { zone: 'beijing', role: 'client' as const }],
])

/** A verifier that judges in memory, as a zone's does from its store. */
function verifierOf(world: World): CounterVerifier {
  return {
    async verify({ identifier, matter, holderCode, asOf }) {
      const reading = readIdentifier(identifier)
      if (reading.kind === 'malformed') return { kind: 'refused', refusal: reading.refusal }
      const holder = holderCode === undefined ? {} : { holderCode }
      if (asOf?.kind === 'position' && asOf.position > world.size) {
        return { kind: 'refused', refusal: refusal('NOT_YET') }
      }
      const upTo = asOf === undefined ? {} : { asOf }
      const findings = world.ask(identifier, { at: 'tianjin', matter, ...holder, ...upTo })
      return { kind: 'verdict', verdict: { findings, checkedAtMs: world.nowMs, receiptNumber: '' } }
    },
  }
}

describe('a counter', () => {
  let world: World
  let licence: ReturnType<World['licence']>
  let store: Store
  let service: CounterService
  let server: HttpServer
  let base: string

  async function start(verifier: CounterVerifier, options: { openOnLoopback?: boolean; store?: Store } = {}) {
    service = await createCounterService({
      zone: 'tianjin',
      zoneNameZh: '天津区',
      store: options.store ?? store,
      clients: { verifier: undefined as never },
      verifier,
      tokens,
      matters: [{ code: worldMatter, nameZh: '食品经营许可 <"新办">' }],
      clock: () => world.nowMs,
      log,
      settings: { openOnLoopback: options.openOnLoopback ?? false },
    })
    server = await createHttpServer({ log })
    await server.mount('tianjin', service.routes)
    base = `http://${(await server.listen({ port: 0 })).address}/z/tianjin`
  }

  const post = (body: unknown, bearer: string | undefined = token) =>
    fetch(`${base}/v1/verdicts`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(body),
    })
  const receiptOf = async (body: unknown) => {
    const json = (await (await post(body)).json()) as { readonly receiptNumber: string }
    return json.receiptNumber
  }
  const submit = (fields: Record<string, string>) =>
    fetch(`${base}/`, { method: 'POST', body: new URLSearchParams(fields) })

  beforeEach(() => {
    world = new World({ suite: 'Ed25519' })
    licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    store = createMemoryStore()
  })

  afterEach(async () => {
    await server[Symbol.asyncDispose]()
    await service[Symbol.asyncDispose]()
  })

  it('numbers a verdict, and shows it again under its number byte for byte', async () => {
    await start(verifierOf(world))
    const first = await post({ identifier: licence.identifier, matter: worldMatter })
    expect(first.status).toBe(200)
    const shown = await first.json()
    expect(shown).toMatchObject({
      receiptNumber: 'tianjin-1',
      findings: { word: 'VALID', identifier: licence.identifier },
    })
    world.publish('beijing', revoked(licence))
    const again = await fetch(`${base}/v1/verdicts/tianjin-1`, { headers: { authorization: `Bearer ${token}` } })
    expect(await again.json()).toEqual(shown)
    const second = await (await post({ identifier: licence.identifier, matter: worldMatter })).json()
    expect(second).toMatchObject({ receiptNumber: 'tianjin-2', findings: { word: 'INVALID', code: 'REVOKED' } })
  })

  it('answers the verdict of the verifier in the JSON of the contract', async () => {
    await start(verifierOf(world))
    const answer = await post({ identifier: licence.identifier, matter: worldMatter, holderCode: '91120114MA1668990E' })
    const findings = world.ask(licence, { at: 'tianjin', matter: worldMatter, holderCode: '91120114MA1668990E' })
    const verdict: Verdict = { findings, checkedAtMs: world.nowMs, receiptNumber: 'tianjin-1' }
    expect(await answer.json()).toEqual(verdictToJson(verdict))
    expect(findings.findings.find(({ check }) => check === 'HOLDER')?.result).toBe('passed')
  })

  it('passes on as of when is asked, and shows what it was as of under its number', async () => {
    await start(verifierOf(world), { openOnLoopback: true })
    const asOf = { position: Number(world.size) }
    world.tick(60_000)
    world.publish('beijing', revoked(licence))
    const question = { identifier: licence.identifier, matter: worldMatter }
    const shown = await (await post({ ...question, asOf })).json()
    expect(shown).toMatchObject({
      receiptNumber: 'tianjin-1',
      findings: { word: 'VALID', position: asOf.position, asOf: { kind: 'position', ...asOf } },
    })
    const again = await fetch(`${base}/v1/verdicts/tianjin-1`, { headers: { authorization: `Bearer ${token}` } })
    expect(await again.json()).toEqual(shown)
    const page = await (await fetch(`${base}/verdicts/tianjin-1`)).text()
    expect(page).toContain('截至 2026-06-01 08:00:00（位置 3）的结论，并非现时')
    expect(page).not.toContain('数据时效')
    const byTime = await (await post({ ...question, asOf: { time: '2026-06-01T08:00:30+08:00' } })).json()
    expect(byTime).toMatchObject({ findings: { word: 'VALID', position: asOf.position, asOf: { kind: 'time' } } })
    expect(await (await post(question)).json()).toMatchObject({ findings: { word: 'INVALID' } })
  })

  it.each([
    ['neither', {}, 400],
    ['both', { position: 1, time: '2026-06-01T00:00:00Z' }, 400],
    ['half a position', { position: 1.5 }, 400],
    ['a position below 0', { position: -1 }, 400],
    ['a day that is none', { time: '2026-02-30T00:00:00Z' }, 400],
    ['a time without a zone', { time: '2026-02-03T00:00:00' }, 400],
    ['a position to come', { position: 99 }, 409],
  ])('numbers no answer as of %s', async (_, asOf, status) => {
    await start(verifierOf(world))
    const question = { identifier: licence.identifier, matter: worldMatter }
    expect((await post({ ...question, asOf })).status).toBe(status)
    expect(await receiptOf(question)).toBe('tianjin-1')
  })

  it('says what it was asked as of where the verifier does not answer', async () => {
    await start({ verify: () => Promise.reject(new VerifierAwayError('away')) })
    const question = { identifier: licence.identifier, matter: worldMatter, asOf: { position: 3 } }
    expect(await (await post(question)).json()).toMatchObject({
      findings: { code: 'VERIFIER_AWAY', position: 0, asOf: { kind: 'position', position: 3 } },
    })
  })

  it('refuses a malformed number with its code and gives it no receipt number', async () => {
    await start(verifierOf(world))
    const answer = await post({ identifier: '1.2.156.3005.2.nonsense', matter: worldMatter })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'MALFORMED_IDENTIFIER', field: 'identifier' })
    expect(await receiptOf({ identifier: licence.identifier, matter: '' })).toBe('tianjin-1')
  })

  it.each([
    ['a number for a text', { identifier: 7, matter: '' }],
    ['a list', ['x']],
    ['an identifier that is too long', { identifier: 'x'.repeat(129), matter: '' }],
    ['half a character', { identifier: '\ud800', matter: '' }],
  ])('refuses %s as a question', async (_, body) => {
    await start(verifierOf(world))
    expect((await post(body)).status).toBe(400)
  })

  it.each([
    ['the verifier is away', { verify: () => Promise.reject(new VerifierAwayError('away')) }, 'VERIFIER_AWAY'],
    ['the verifier has a bug', { verify: () => Promise.reject(new TypeError('x is undefined')) }, 'VERIFIER_AWAY'],
  ])('says UNDETERMINED and no error when %s', async (_, verifier, code) => {
    await start(verifier)
    const answer = await post({ identifier: licence.identifier, matter: worldMatter })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ receiptNumber: 'tianjin-1', findings: { word: 'UNDETERMINED', code } })
  })

  it('shows no verdict that it could not keep', async () => {
    let full = false
    const fault = { happens: 'nothing', reported: false, error: new StoreUnavailableError('busy') } as const
    await start(verifierOf(world), { store: createFaultyStore(store, () => (full ? fault : undefined)) })
    full = true
    const answer = await (await post({ identifier: licence.identifier, matter: worldMatter })).json()
    expect(answer).toMatchObject({ receiptNumber: '', findings: { word: 'UNDETERMINED', code: 'STORE_AWAY' } })
    full = false
    const healed = await (await post({ identifier: licence.identifier, matter: worldMatter })).json()
    expect(healed).toMatchObject({ receiptNumber: 'tianjin-1', findings: { word: 'VALID' } })
  })

  it('gives no number twice and none to nobody, however many ask at once', async () => {
    await start(verifierOf(world))
    const asked = Array.from({ length: 40 }, () =>
      service.counter.ask(
        { identifier: licence.identifier, matter: worldMatter, holderCode: undefined, asOf: undefined },
        'x',
      ),
    )
    const numbers = (await Promise.all(asked)).map((answer) =>
      answer.kind === 'shown' ? answer.verdict.receiptNumber : '',
    )
    expect(numbers.toSorted()).toEqual(Array.from({ length: 40 }, (_, at) => `tianjin-${at + 1}`).toSorted())
    const access = await store.range('access', { limit: 100 })
    expect(access).toHaveLength(40)
    expect(Buffer.from(access[0]!.value).toString()).not.toContain(licence.identifier)
    expect(Buffer.from(access[0]!.value).toString()).not.toContain(licence.holder.name)
  })

  it('goes on numbering after a restart where it was', async () => {
    await start(verifierOf(world))
    await post({ identifier: licence.identifier, matter: worldMatter })
    await server[Symbol.asyncDispose]()
    await service[Symbol.asyncDispose]()
    await start(verifierOf(world))
    expect(await receiptOf({ identifier: licence.identifier, matter: worldMatter })).toBe('tianjin-2')
  })

  it.each([
    ['without a token', undefined],
    ['with a token of another zone', elsewhere],
    ['with an invented token', 'x'.repeat(40)],
  ])('is closed to who asks %s', async (_, bearer) => {
    await start(verifierOf(world))
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    const body = JSON.stringify({ identifier: licence.identifier, matter: '' })
    const answer = await fetch(`${base}/v1/verdicts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    expect(answer.status).toBe(403)
    expect((await fetch(`${base}/`, { headers })).status).toBe(403)
    expect(await store.range('verdicts', { limit: 1 })).toEqual([])
  })

  describe('whose page is open to this machine', () => {
    it.each([
      ['came through a proxy', { 'x-forwarded-for': '10.0.0.1' }],
      ["is a stranger's page", { origin: 'http://stranger.example' }],
      ['comes from another site by the word of the browser', { 'sec-fetch-site': 'cross-site' }],
    ])('is closed to what %s', async (_, headers: Record<string, string>) => {
      await start(verifierOf(world), { openOnLoopback: true })
      expect((await fetch(`${base}/`, { headers })).status).toBe(403)
    })

    it('answers with the eight checks, the position and the age, and allows nothing from outside', async () => {
      await start(verifierOf(world), { openOnLoopback: true })
      const answer = await submit({ identifier: ` ${licence.identifier}\n`, matter: worldMatter, holderCode: '' })
      expect(answer.url).toBe(`${base}/verdicts/tianjin-1`)
      const text = await answer.text()
      expect(text.match(/<th scope="row">/g)).toHaveLength(8)
      expect(text).toContain('<h2>有效 <span lang="en">VALID</span></h2>')
      expect(text).toMatch(/data-age-ms="\d+"/)
      expect(text).toContain(`<dd>${world.size}</dd>`)
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'self'")
      expect(text).not.toMatch(/<script>|<style|style=|onclick|https?:\/\//)
      expect((await fetch(`${base}/counter.js`)).headers.get('content-type')).toContain('text/javascript')
      expect((await fetch(`${base}/counter.css`)).headers.get('content-type')).toContain('text/css')
    })

    it.each([
      ['revoked', 'INVALID', 'invalid', () => world.publish('beijing', revoked(licence))],
      ['not recognised', 'NOT_RECOGNISED', 'not-recognised', () => {}],
      ['too old', 'UNDETERMINED', 'undetermined', () => world.tick(200_000_000)],
    ])('shows a licence that is %s without a good word beside it, in its own colour', async (_, word, css, happens) => {
      await start(verifierOf(world), { openOnLoopback: true })
      happens()
      const matter = word === 'NOT_RECOGNISED' ? 'M-999' : worldMatter
      const text = await (await submit({ identifier: licence.identifier, matter, holderCode: '' })).text()
      expect(text).toContain(`<section class="verdict ${css}"`)
      expect(text).toContain(`<span lang="en">${word}</span>`)
      expect(text).not.toContain('有效')
      expect(text).toContain('下一步')
    })

    it('shows 仅收件 where the declaration only lets it be taken in', async () => {
      world.publish('tianjin', { ...world.declaration('tianjin'), version: 2, mode: 'on_behalf' as const })
      await start(verifierOf(world), { openOnLoopback: true })
      const text = await (await submit({ identifier: licence.identifier, matter: worldMatter })).text()
      expect(text).toContain('仅收件')
    })

    it('escapes what it was given and what a licence says', async () => {
      const hostile = world.licence('beijing', '2', {
        name: '<script>alert(1)</script>',
        authorityName: '"><img src=x>',
      })
      world.publish('beijing', hostile)
      await start(verifierOf(world), { openOnLoopback: true })
      const text = await (await submit({ identifier: hostile.identifier, matter: '"><b>' })).text()
      expect(text).not.toMatch(/<script>alert|<img|<b>|<"新办">/)
      expect(text).toContain('&#60;script&#62;alert(1)')
    })

    it('says that there is no verdict over a number that is none', async () => {
      await start(verifierOf(world), { openOnLoopback: true })
      const answer = await submit({ identifier: '<i>', matter: '' })
      expect(answer.status).toBe(400)
      const text = await answer.text()
      expect(text).toContain('无结论')
      expect(text).not.toContain('<i>')
      expect(text).not.toContain('class="verdict')
    })

    it('says UNDETERMINED on the page while the verifier is away, with no other word', async () => {
      await start({ verify: () => Promise.reject(new VerifierAwayError('away')) }, { openOnLoopback: true })
      const answer = await submit({ identifier: licence.identifier, matter: worldMatter })
      const text = await answer.text()
      expect(answer.status).toBe(200)
      expect(text).toContain('verdict undetermined')
      expect(text).not.toMatch(/有效|无效/)
    })
  })

  it.each(['tianjin-2', 'tianjin-0', 'tianjin-01', 'beijing-1', 'tianjin-1x', '1'])(
    'knows nothing under the receipt number %s',
    async (receipt) => {
      await start(verifierOf(world))
      await post({ identifier: licence.identifier, matter: worldMatter })
      const answer = await fetch(`${base}/v1/verdicts/${receipt}`, { headers: { authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(404)
    },
  )

  it('shows no verdict from the store that it does not understand', async () => {
    await start(verifierOf(world))
    await post({ identifier: licence.identifier, matter: worldMatter })
    const [kept] = await store.range('verdicts', { limit: 1 })
    const damaged = Buffer.concat([kept!.value, Uint8Array.of(0x7a, 0)])
    await store.insert([{ ...kept!, term: kept!.term + 5n, value: damaged }])
    const answer = await fetch(`${base}/v1/verdicts/tianjin-1`, { headers: { authorization: `Bearer ${token}` } })
    expect(answer.status).toBe(500)
  })
})
