import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type AskOptions, type CheckingCaller, checkingCaller } from '@hutong/service/open-api-check'
import { eventToJson } from '@hutong/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hutong, projectFolder } from '../constellation/command-line.ts'
import { type EmbeddedConstellation, startEmbedded } from '../constellation/embedded.ts'
import { declarationFor, licenceOf, matter } from '../constellation/invented.ts'
import { until } from '../constellation/until.ts'

// A system that has neither gRPC nor Kafka takes part wholly. Every answer is held against the zone's own OpenAPI document.

const hasCurl = spawnSync('curl', ['--version']).status === 0

describe('a system that only speaks HTTP', () => {
  let world: EmbeddedConstellation
  let folder: string
  const callers = new Map<string, CheckingCaller>()
  const fromMs = Date.now() - 60_000

  beforeAll(async () => {
    const zones = ['beijing', 'tianjin', 'langfang']
    world = await startEmbedded({ zones })
    folder = await mkdtemp(join(tmpdir(), 'legacy-'))
    for (const zone of zones) callers.set(zone, await checkingCaller(`http://${world.httpAddress}/z/${zone}`))
  })
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = <Body>(zone: string, method: string, path: string, options: AskOptions = {}) =>
    callers.get(zone)!.ask<Body>(method, path, { token: world.box.tokens.of(zone, 'client'), ...options })
  const publish = (zone: string, requestId: string, event: unknown) =>
    ask<Record<string, unknown>>(zone, 'POST', '/v1/events', {
      query: '?wait=witnessed',
      headers: { 'idempotency-key': requestId },
      body: event,
    })
  const verify = (zone: string, identifier: string) =>
    ask<VerdictJson>(zone, 'POST', '/v1/verify', { body: { identifier, matter } })
  const licence = (serial: string) => licenceOf(world.box.alliance.charter, 'beijing', serial)

  it('publishes, asks for verdicts, hears of the revocation, and is told what was wrong', async () => {
    const listener = new Listener((query) => ask('tianjin', 'GET', '/v1/events', { query }))
    const one = licence('L1')
    expect(await publish('tianjin', 'd-1', eventToJson(declarationFor(['beijing'], fromMs)))).toMatchObject({
      status: 200,
    })

    const issued = await publish('beijing', 'l-1', eventToJson(one))
    expect(issued).toMatchObject({ status: 200, body: { stage: 'witnessed', duplicate: false } })
    const again = await publish('beijing', 'l-1', eventToJson(one))
    expect(again.body).toMatchObject({ eventId: issued.body.eventId, duplicate: true })
    const conflict = await publish('beijing', 'l-1', eventToJson({ ...one, name: '另一个名称' }))
    expect(conflict).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
    const misspelt = await publish('beijing', 'l-2', { ...eventToJson(licence('L2')), validUntill: '2027-01-01' })
    expect(misspelt).toMatchObject({ status: 400, body: { field: 'event.licence_issued.valid_untill' } })

    await until(
      'VALID at tianjin',
      () => verify('tianjin', one.identifier),
      ({ body }) => word(body) === 'VALID',
    )
    const numbered = await ask<VerdictJson>('tianjin', 'POST', '/v1/verdicts', {
      body: { identifier: one.identifier, matter },
    })
    expect(numbered.body).toMatchObject({ receiptNumber: expect.stringMatching(/^tianjin-\d+$/) })
    const shown = await ask('tianjin', 'GET', '/v1/verdicts/{receipt}', {
      params: { receipt: numbered.body.receiptNumber },
    })
    expect(shown.body).toEqual(numbered.body)
    expect(word((await verify('langfang', one.identifier)).body)).toBe('NOT_RECOGNISED')

    const heard = listener.hears((event) => event.data?.state?.standing === 'revoked')
    const { identifier, authority } = one
    const revoked = { kind: 'licence_revoked', identifier, authority, manner: 'cancelled', reason: '', decidedOn: '' }
    expect(await publish('beijing', 'l-3', revoked)).toMatchObject({ status: 200 })
    expect(await publish('beijing', 'l-4', revoked)).toMatchObject({ status: 422, body: { code: 'ALREADY_REVOKED' } })
    const notice = await heard
    expect(notice).toMatchObject({ type: 'cn.hutong.licence.revoked.v1', zone: 'beijing', verdict: 'STANDS' })
    await until(
      'INVALID at tianjin',
      () => verify('tianjin', identifier),
      ({ body }) => word(body) === 'INVALID',
    )

    const history = await ask<{ events: { eventId: string; verdict: string }[] }>('tianjin', 'POST', '/v1/history', {
      body: { identifier },
    })
    const told = history.body.events.map(({ eventId }) => eventId)
    const heardOfIt = listener.events.filter(({ subject }) => subject === notice.subject)
    expect(heardOfIt.map(({ id }) => id)).toEqual(told)
    expect(new Set(listener.events.map(({ id }) => id)).size).toBe(listener.events.length)
  })

  it('drops a file into a folder instead, and the same comes of it', async () => {
    const one = licence('L6')
    const { holder, name, licenceType, number, identifier, authorityName, authority, issuedOn, validFrom } = one
    const names = 'ZZMC,ZZLXDM,ZZBH,ZZBS,ZZBFJG,ZZBFJGDM,ZZBFRQ,CZZT,CZZTDM,CZZTDMLXDM,ZZYXQQSRQ,ZZYXQJZRQ'
    const issuer = [name, licenceType, number, identifier, authorityName, authority, issuedOn]
    const row = [...issuer, holder.name, holder.code, holder.codeType, validFrom, ''].join(',')
    await writeFile(join(folder, 'licences.csv'), `${names}\r\n${row}\r\n`)
    const once = ['publisher', 'watch', folder, '--zone', 'beijing', '--once', '--settle', '0']
    const ran = await hutong(world.environment, ...once)
    expect({ exitCode: ran.exitCode, stderr: ran.stderr }).toMatchObject({ exitCode: 0 })
    const listener = new Listener((query) => ask('tianjin', 'GET', '/v1/events', { query }))
    const heard = await listener.hears(({ data }) => data?.event.identifier === identifier)
    expect(heard).toMatchObject({ type: 'cn.hutong.licence.issued.v1' })
    await until(
      'VALID at tianjin',
      () => verify('tianjin', identifier),
      ({ body }) => word(body) === 'VALID',
    )
  })

  it.skipIf(!hasCurl)(
    `can do what docs/http.md shows, as it is written there${hasCurl ? '' : ': no curl here'}`,
    async () => {
      const page = readFileSync(join(projectFolder, 'docs', 'http.md'), 'utf8')
      const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, command]) => command!)
      expect(commands).toHaveLength(4)
      const base = `http://${world.httpAddress}/z`
      const environment = {
        PUBLISHING: `${base}/beijing`,
        RECEIVING: `${base}/tianjin`,
        TOKEN: world.box.tokens.of('beijing', 'client'),
        RECEIVING_TOKEN: world.box.tokens.of('tianjin', 'client'),
      }
      const [issue, declare, verdict, feed] = commands as [string, string, string, string]
      expect(await shell(issue, environment)).toMatchObject({ stage: 'witnessed', duplicate: false })
      expect(await shell(declare, environment)).toMatchObject({ outcomes: [{ stage: 'witnessed' }] })
      await until(
        'VALID by the page',
        () => shell(verdict, environment),
        (body) => word(body as VerdictJson) === 'VALID',
      )
      const types = ((await shell(feed, environment)) as CloudEvent[]).map(({ type }) => type)
      expect(types).toContain('cn.hutong.licence.issued.v1')
      expect(types).toContain('cn.hutong.recognition.declared.v1')
    },
  )

  it('is away with its zone, and finds its place in the feed again when it comes back', async () => {
    const listener = new Listener((query) => ask('langfang', 'GET', '/v1/events', { query }))
    await listener.page(0)
    await world.stop('langfang')
    await expect(listener.page(0)).rejects.toThrow('ZONE_NOT_RUNNING')
    const { identifier } = licence('L5')
    expect(await publish('beijing', 'l-5', eventToJson(licence('L5')))).toMatchObject({ status: 200 })
    await world.start('langfang')
    const heard = await listener.hears(({ data }) => data?.event.identifier === identifier)
    expect(heard).toMatchObject({ type: 'cn.hutong.licence.issued.v1' })
    expect(new Set(listener.events.map(({ id }) => id)).size).toBe(listener.events.length)
  })
})

interface VerdictJson {
  readonly findings: { readonly word: string }
  readonly receiptNumber: string
}

interface CloudEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data?: { readonly event: { readonly identifier?: string }; readonly state: { readonly standing?: string } }
}

function word({ findings }: VerdictJson): string {
  return findings.word
}

type AskFeed = (
  query: string,
) => Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }>

/** Reads the feed as the page says: the cursor goes on only together with the events. */
class Listener {
  readonly events: CloudEvent[] = []
  readonly #ask: AskFeed
  #cursor = '0'

  constructor(ask: AskFeed) {
    this.#ask = ask
  }

  async page(waitS: number): Promise<void> {
    const { status, headers, body } = await this.#ask(`?after=${this.#cursor}&wait=${waitS}&limit=2`)
    if (status !== 200) throw new Error(`the feed answered ${status}: ${JSON.stringify(body)}`)
    this.events.push(...(body as CloudEvent[]))
    this.#cursor = headers.get('hutong-next') ?? ''
  }

  /** Reads on until an event is the one looked for. */
  async hears(wanted: (event: CloudEvent) => boolean): Promise<CloudEvent> {
    const found = await until(
      'an event in the feed',
      async () => {
        await this.page(10)
        return this.events.find(wanted)
      },
      (event) => event !== undefined,
    )
    return found.answer!
  }
}

/** What a command of the page prints, as JSON. @throws {Error} it failed. */
async function shell(command: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  const env = { PATH: process.env.PATH, ...environment }
  const child = spawn('bash', ['-euo', 'pipefail', '-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}${stdout}`)
  return JSON.parse(stdout)
}
