import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BenchBox } from './bench-box.ts'
import { InventedLicences } from './invented-licences.ts'
import { type Answered, askVerdicts } from './verdict-load.ts'

const usage = `usage: node tests/bench/million.ts [--licences N] [--zones a,b,c|all] [--publishing a,b] [--no-replay] [--keep]
  --licences    how many are imported (default 1000000: some 12 minutes on two cores)
  --zones       the zones of the box (default beijing,tianjin,langfang)
  --publishing  which of them import, each its share (default: all)
  --no-replay   leaves the replay out
  --keep        leaves the data where it is
`

/** Verdicts of one measurement, each about another licence: those of an almost empty box and of a full one are asked alike. */
const verdictsAsked = 2_000
/** Licences of each zone that are there before: as many are asked about to warm up, and as many again measured. */
const licencesBefore = 2 * verdictsAsked
const eventsPerRequest = 256

const { values } = parseArgs({
  options: {
    licences: { type: 'string', default: '1000000' },
    zones: { type: 'string', default: 'beijing,tianjin,langfang' },
    publishing: { type: 'string' },
    'no-replay': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || !/^[1-9]\d{0,8}$/.test(values.licences)) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}
const count = Number(values.licences)
const folder = mkdtempSync(join(tmpdir(), 'hutong-million-'))
const startedMs = performance.now()
try {
  await importAndMeasure()
} finally {
  if (values.keep) console.error(`the data is left in ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}

async function importAndMeasure(): Promise<void> {
  await using box = new BenchBox(folder, values.zones)
  await box.start()
  const zones = values.publishing?.split(',') ?? box.zones
  const imports = zones.map((zone) => ({ zone, invented: new InventedLicences(zone) }))
  const [first] = imports
  if (first === undefined) throw new Error('no zone publishes')
  const publish = (from: number, perZone: number) =>
    Promise.all(imports.map(({ zone, invented }) => box.publish(zone, invented.lists(from, perZone, eventsPerRequest))))
  const receiving = box.zones.find((zone) => zone !== first.zone) ?? first.zone
  const ask = (from: number, to: number) =>
    askVerdicts(
      box,
      receiving,
      drawn(from, to, verdictsAsked).map((serial) => first.invented.licence(serial)),
    )
  const perZone = Math.floor(count / imports.length)
  const last = licencesBefore + perZone

  await publish(0, licencesBefore)
  await box.caughtUp()
  await ask(0, verdictsAsked)
  const before = await ask(verdictsAsked, licencesBefore)
  const bytesBefore = box.bytes()
  say(`${licencesBefore} licences of each zone are in the box; ${count} more are imported`)

  const watched = box.watch(say)
  await publish(licencesBefore, perZone)
  await box.sequenced()
  const publishedSeconds = watched.seconds()
  await box.caughtUp()
  const imported = watched.end()
  const after = await ask(licencesBefore, last)
  const bytesAfter = box.bytes()
  say('the box is stopped and started again')
  const stopSeconds = await box.stop()
  const startSeconds = await box.start()
  await ask(0, licencesBefore)
  const started = await ask(licencesBefore, last)
  if (!values['no-replay']) say('the log is replayed')
  const replayed = values['no-replay'] ? undefined : await box.replay()

  const rows: string[][] = [
    ['import, every licence SEQUENCED', `${perSecond(count, publishedSeconds)} licences/s`, ''],
    ['import, every licence in every zone', `${perSecond(count, imported.seconds)} licences/s`, ''],
    ['the box for one licence', `${(imported.cpuMicroseconds / count).toFixed(0)} µs of CPU`, ''],
    ['resident memory of the box, at most', megabytes(imported.residentMaxBytes), ''],
    [
      'the same, last tenth against the second',
      megabytes(imported.residentLateBytes),
      ratio(imported.residentLateBytes, imported.residentEarlyBytes),
    ],
    ['data for one licence', `${((bytesAfter - bytesBefore) / count).toFixed(0)} bytes`, ''],
    ...verdictRows('before', before, before),
    ...verdictRows('after', after, before),
    ...verdictRows('after a restart', started, before),
    ['stop', `${stopSeconds.toFixed(1)} s`, ''],
    ['start until ready', `${startSeconds.toFixed(1)} s`, ''],
  ]
  if (replayed !== undefined) {
    rows.push(
      ['replay and comparison with every zone', `${perSecond(imports.length * last, replayed.seconds)} licences/s`, ''],
      ['resident memory of the replay, at most', megabytes(replayed.residentMaxBytes), ''],
    )
  }
  print(rows)
}

/** So many different numbers of a stretch, in any order; all of it where it has no more. */
function drawn(from: number, to: number, many: number): readonly number[] {
  const numbers = new Set<number>()
  while (numbers.size < Math.min(many, to - from)) numbers.add(from + Math.floor(Math.random() * (to - from)))
  return [...numbers]
}

function verdictRows(when: string, asked: Answered, held: Answered): string[][] {
  const row = (what: string, figure: number, against: number) => [
    `a verdict never asked before, ${when}, ${what}`,
    `${figure.toFixed(0)} µs`,
    ratio(figure, against),
  ]
  return [
    row('median', asked.medianMicroseconds, held.medianMicroseconds),
    row('99 of 100 within', asked.p99Microseconds, held.p99Microseconds),
    [`verdicts ${when}, 16 at once`, `${asked.perSecond.toFixed(0)} a second`, ratio(asked.perSecond, held.perSecond)],
    [`a bare gRPC echo ${when}, median`, `${asked.echoMicroseconds.toFixed(0)} µs`, ''],
  ]
}

function print(rows: readonly string[][]): void {
  const minutes = (performance.now() - startedMs) / 60_000
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`)
  console.log(`${count} licences, zones ${values.zones}, ${minutes.toFixed(1)} minutes in all\n`)
  console.log('| what | figure | against before |')
  console.log('|---|---|---|')
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

function perSecond(items: number, seconds: number): string {
  return Math.round(items / seconds).toLocaleString('en')
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`
}

function ratio(figure: number, against: number): string {
  return (figure / against).toFixed(2)
}

function say(text: string): void {
  console.error(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}`)
}
