import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

// The rooms and who may import whom. The table itself is in docs/architecture.md and nowhere else.

type Table = ReadonlyMap<string, ReadonlySet<string>>
interface Source {
  readonly path: string
  readonly text: string
}

const root = join(import.meta.dirname, '..')
const pureRooms = ['licence', 'signing', 'merkle', 'wire', 'batch', 'seal', 'verify'].map((name) => `packages/${name}`)
const pureNodeModules = /^node:(crypto|buffer|zlib|assert(\/strict)?)$/
const outsideWorld =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.(env|hrtime)|setTimeout\(|setInterval\(|fetch\()/
const adapter = /\bcreate(Sqlite|Mongo|Memory|Local|Kafka)(Store|Stream)\w*/

function readTable(page: string): Table {
  const [, section = ''] = page.split('\n## Who may import whom\n')
  const rows = [...section.matchAll(/^\| ([a-z, ]+) \| ([a-z, ]+) \|$/gm)].filter(([, , right]) => right !== 'anything')
  const names = rows.flatMap(([, left]) => left!.split(', '))
  const allowed = (right: string) => new Set(right.split(', ').filter((name) => names.includes(name)))
  return new Map(rows.flatMap(([, left, right]) => left!.split(', ').map((name) => [name, allowed(right!)] as const)))
}

function violations(table: Table, sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const room = source.path.split('/').slice(0, 2).join('/')
    const found = source.path.endsWith('package.json') ? inManifest(table, room, source) : inCode(table, room, source)
    return found.map((what) => `${source.path}: ${what}`)
  })
}

function inManifest(table: Table, room: string, { text }: Source): string[] {
  const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> }
  return Object.keys(dependencies).flatMap((specifier) => forbiddenRoom(table, room, specifier))
}

function inCode(table: Table, room: string, { path, text }: Source): string[] {
  const isTest = /(\.test|\/contract)\.ts$|\/testing\//.test(path)
  const specifiers = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!)
  const found = specifiers.flatMap((specifier) => leavesRoom(room, path, specifier))
  if (isTest) return found
  found.push(...specifiers.filter((name) => /\/testing\//.test(name)).map((name) => `takes ${name} out of a test`))
  found.push(...specifiers.flatMap((specifier) => forbiddenRoom(table, room, specifier)))
  if (pureRooms.includes(room)) found.push(...impurities(specifiers, text))
  if (room.startsWith('services/') && !path.endsWith('/context.ts') && adapter.test(text)) {
    found.push(`names an adapter outside context.ts: ${adapter.exec(text)![0]}`)
  }
  return found
}

function forbiddenRoom(table: Table, room: string, specifier: string): string[] {
  const [, target] = /^@hutong\/([a-z-]+)/.exec(specifier) ?? []
  const [kind, name] = room.split('/') as [string, string]
  if (target === undefined || target === name) return []
  const anyPackage = kind === 'services' && table.has(target) && target !== 'proto'
  return anyPackage || table.get(kind === 'services' ? '' : name)?.has(target) ? [] : [`may not import ${specifier}`]
}

function leavesRoom(room: string, path: string, specifier: string): string[] {
  if (!specifier.startsWith('.')) return []
  return normalize(join(path, '..', specifier)).startsWith(`${room}/`) ? [] : [`leaves its room: ${specifier}`]
}

function impurities(specifiers: readonly string[], text: string): string[] {
  const modules = specifiers.filter((name) => name.startsWith('node:') && !pureNodeModules.test(name))
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  return [...modules, ...(outsideWorld.exec(code)?.slice(0, 1) ?? [])].map((what) => `is pure and uses ${what}`)
}

function readSources(): Source[] {
  const patterns = [
    'packages/*/package.json',
    'services/*/package.json',
    'packages/*/src/**/*.ts',
    'services/*/src/**/*.ts',
  ]
  return globSync(patterns, { cwd: root }).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

describe('the architecture', () => {
  const table = readTable(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))

  it('has a row in the import table for every package', () => {
    const packages = globSync('packages/*/package.json', { cwd: root }).map((path) => path.split('/')[1]!)
    expect(packages).not.toEqual([])
    expect(packages.filter((name) => !table.has(name))).toEqual([])
  })

  it('is kept by every package and service', () => {
    const sources = readSources()
    expect(sources.length).toBeGreaterThan(table.size)
    expect(violations(table, sources)).toEqual([])
  })

  it.each([
    ['a room that the table does not allow', 'packages/merkle/src/a.ts', "import { a } from '@hutong/verify'"],
    ['a room re-exported against the table', 'packages/stream/src/a.ts', "export * from '@hutong/store'"],
    ['a room imported on demand against the table', 'packages/stream/src/a.ts', "await import('@hutong/store')"],
    [
      'the contract imported by another than wire',
      'packages/verify/src/a.ts',
      "import { a } from '@hutong/proto/leaf'",
    ],
    ['the contract imported by a service', 'services/log/src/a.ts', "import { a } from '@hutong/proto/leaf'"],
    ['another service', 'services/log/src/a.ts', "import { a } from '@hutong/counter-service'"],
    [
      'a dependency against the table',
      'packages/wire/package.json',
      '{"dependencies":{"@hutong/batch":"workspace:*"}}',
    ],
    ['a path into another room', 'packages/batch/src/a.test.ts', "import { a } from '../../merkle/src/tree.ts'"],
    ['files in a pure room', 'packages/signing/src/a.ts', "import { readFileSync } from 'node:fs'"],
    ['the network in a pure room', 'packages/wire/src/a.ts', "import { connect } from 'node:net'"],
    ['the clock in a pure room', 'packages/verify/src/a.ts', 'const nowMs = Date.now()'],
    ['the date in a pure room', 'packages/licence/src/a.ts', 'const now = new Date()'],
    ['chance in a pure room', 'packages/batch/src/a.ts', 'const salt = Math.random()'],
    ['the environment in a pure room', 'packages/seal/src/a.ts', 'const level = process.env.LEVEL'],
    ['an adapter outside the composition root', 'services/log/src/admit.ts', "createSqliteStore({ path: 'x' })"],
    ['what is there for tests alone', 'services/log/src/admit.ts', "import { a } from './testing/alliance.ts'"],
  ])('notices %s', (_, path, text) => {
    expect(violations(table, [{ path, text }])).toHaveLength(1)
  })

  it.each([
    [
      'what the table allows',
      'packages/batch/src/a.ts',
      "import { a } from '@hutong/merkle'\nimport { b } from './b.ts'",
    ],
    ['node:crypto in a pure room', 'packages/signing/src/a.ts', "import { hash } from 'node:crypto'"],
    ['a clock that is only spoken of', 'packages/verify/src/a.ts', '// Date.now() would make a replay differ'],
    ['files read by a test of a pure room', 'packages/merkle/src/a.test.ts', "import { readFileSync } from 'node:fs'"],
    ['an adapter in the composition root', 'services/log/src/context.ts', 'createSqliteStore()'],
    ['an adapter in what is there for tests alone', 'services/log/src/testing/open-log.ts', 'createMemoryStore()'],
  ])('allows %s', (_, path, text) => {
    expect(violations(table, [{ path, text }])).toEqual([])
  })
})
