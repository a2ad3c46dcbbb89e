import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const module = new URL('./run.ts', import.meta.url).href

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly log: readonly Record<string, unknown>[]
}

/** Runs `start` in a process of its own, and sends it a signal each time it prints a line that asks for one. */
async function ended(start: string, environment: Record<string, string> = {}, drainLimitMs = 10_000): Promise<Ended> {
  const source = `import { run } from ${JSON.stringify(module)}
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const alive = setInterval(() => {}, 1000)
    await run('test', ${start}, ${drainLimitMs})`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let errors = ''
  child.stdout.on('data', (data) => {
    out += data
    for (const signal of String(data).match(/SIG[A-Z]+/g) ?? []) child.kill(signal as NodeJS.Signals)
  })
  child.stderr.on('data', (data) => {
    errors += data
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  const lines = errors.split('\n').filter((line) => line.startsWith('{'))
  return { code, out, log: lines.map((line) => JSON.parse(line)) }
}

describe('a process', () => {
  it.each(['SIGTERM', 'SIGINT'])('on %s lets what is running finish and exits 0', async (signal) => {
    const { code, out } = await ended(`async ({ signal }) => {
      signal.addEventListener('abort', () => console.log('aborted'))
      setTimeout(() => console.log('${signal}'), 10)
      return { async [Symbol.asyncDispose]() { await wait(50); console.log('disposed') } }
    }`)
    expect({ code, out }).toEqual({ code: 0, out: `${signal}\naborted\ndisposed\n` })
  })

  it('on a second signal exits 130 at once', async () => {
    const startedMs = performance.now()
    const { code, out } = await ended(`async () => {
      setTimeout(() => console.log('SIGTERM'), 10)
      return { async [Symbol.asyncDispose]() { console.log('SIGINT'); await wait(9000); console.log('disposed') } }
    }`)
    expect({ code, out }).toEqual({ code: 130, out: 'SIGTERM\nSIGINT\n' })
    expect(performance.now() - startedMs).toBeLessThan(8_000)
  })

  it('exits 70 when what is running does not stop within its time', async () => {
    const { code, log } = await ended(
      `async () => {
      setTimeout(() => console.log('SIGTERM'), 10)
      return { [Symbol.asyncDispose]: () => new Promise(() => {}) }
    }`,
      {},
      300,
    )
    expect(code).toBe(70)
    expect(log).toContainEqual(expect.objectContaining({ level: 'fatal', limitMs: 300 }))
  })

  it('exits 0 when it is told to stop before it is up', async () => {
    const { code } = await ended(`async ({ signal }) => {
      console.log('SIGTERM')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }`)
    expect(code).toBe(0)
  })

  it('exits 0 when its work has ended by itself', async () => {
    const { code, out } = await ended(
      `async () => ({ stopped: wait(20), async [Symbol.asyncDispose]() { console.log('disposed') } })`,
    )
    expect({ code, out }).toEqual({ code: 0, out: 'disposed\n' })
  })

  it.each([
    ['an unknown error', `new Error('bug')`, 70],
    ['a thrown text', `'text'`, 70],
    ['an error that names its exit code', `Object.assign(new Error('peer'), { exitCode: 6 })`, 6],
    ['a full disk', `Object.assign(new Error('write'), { code: 'ENOSPC' })`, 8],
    [
      'an input or output error under another error',
      `new Error('store', { cause: Object.assign(new Error('fsync'), { code: 'EIO' }) })`,
      8,
    ],
  ])('on %s exits with its code, after one line in the log', async (_what, error, wanted) => {
    const { code, log } = await ended(`async () => { throw ${error} }`)
    expect(code).toBe(wanted)
    expect(log.filter(({ level }) => level === 'fatal')).toEqual([expect.objectContaining({ exitCode: wanted })])
  })

  it.each([
    ['stopped rejects', `stopped: wait(20).then(() => { throw failure })`, ''],
    ['a rejection that nobody handles', '', `setTimeout(() => Promise.reject(failure), 10)`],
    ['an exception in a timer', '', `setTimeout(() => { throw failure }, 10)`],
  ])('when %s, ends at once without disposing', async (_what, member, before) => {
    const { code, out, log } = await ended(`async () => {
      const failure = Object.assign(new Error('fsync'), { code: 'EIO' })
      ${before}
      return { ${member}${member === '' ? '' : ','} async [Symbol.asyncDispose]() { console.log('disposed') } }
    }`)
    expect({ code, out }).toEqual({ code: 8, out: '' })
    expect(log.filter(({ level }) => level === 'fatal')).toHaveLength(1)
  })

  it('refuses a log level that it does not know', async () => {
    const { code } = await ended(`async () => ({ async [Symbol.asyncDispose]() {} })`, { HUTONG_LOG_LEVEL: 'loud' })
    expect(code).toBe(2)
  })
})
