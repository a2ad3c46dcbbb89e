// Builds what is published: JavaScript and types of this package and of the packages it imports, in one folder that `npm pack` takes.
//
//   node build.ts [directory]      default: dist beside this file
//
// The other packages travel inside, under node_modules, as bundled dependencies: they have no life of their own outside this repository,
// and a consumer gets one version of all of them.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly description?: string
  readonly exports: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const here = import.meta.dirname
const root = resolve(here, '..', '..')
const out = resolve(process.argv[2] ?? join(here, 'dist'))

build()

function build(): void {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const rooms = roomsOf('packages/sdk')
  const emitted = join(out, 'emitted')
  emit(rooms, emitted)
  const foreign: Record<string, string> = {}
  for (const room of rooms) {
    const manifest = manifestOf(room)
    const target = room === 'packages/sdk' ? out : join(out, 'node_modules', manifest.name)
    move(emitted, room, target)
    const others = Object.entries(manifest.dependencies ?? {}).filter(([name]) => !name.startsWith('@hutong/'))
    for (const [name] of others) foreign[name] = versionOf(room, name)
    if (target !== out) writeManifest(target, room, {})
  }
  rmSync(emitted, { recursive: true })
  const bundled = rooms.filter((room) => room !== 'packages/sdk').map((room) => manifestOf(room).name)
  const version = manifestOf('packages/sdk').version
  writeManifest(out, 'packages/sdk', {
    engines: { node: '>=24' },
    dependencies: { ...Object.fromEntries(bundled.map((name) => [name, version])), ...foreign },
    bundleDependencies: bundled,
  })
  cpSync(join(here, 'README.md'), join(out, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'))
}

/** This room and all it imports, each once. */
function roomsOf(room: string, found: readonly string[] = []): readonly string[] {
  if (found.includes(room)) return found
  const names = Object.keys(manifestOf(room).dependencies ?? {}).filter((name) => name.startsWith('@hutong/'))
  return names.map(roomOf).reduce((all: readonly string[], next) => roomsOf(next, all), [...found, room])
}

function roomOf(name: string): string {
  const short = name.slice('@hutong/'.length)
  return existsSync(join(root, 'packages', short)) ? `packages/${short}` : short
}

function manifestOf(room: string): Manifest {
  return JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as Manifest
}

/** The version that is installed here: the one that everything was tested with. */
function versionOf(room: string, name: string): string {
  return (JSON.parse(readFileSync(join(root, room, 'node_modules', name, 'package.json'), 'utf8')) as Manifest).version
}

/** Compiles the entries of these rooms and all that is reachable from them; folders as in the repository. */
function emit(rooms: readonly string[], directory: string): void {
  const options = join(out, 'tsconfig.json')
  writeFileSync(
    options,
    JSON.stringify({
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        ...{ noEmit: false, rewriteRelativeImportExtensions: true, stripInternal: true },
        ...{ rootDir: root, outDir: directory, typeRoots: [join(root, 'node_modules', '@types')] },
        // What is found under node_modules counts as somebody else's and would not be compiled.
        paths: Object.fromEntries(rooms.flatMap(pathsOf)),
      },
      files: rooms.flatMap(entriesOf),
    }),
  )
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', options], { stdio: 'inherit' })
  rmSync(options)
}

/** What others import of a room by its own name; the contract has an entry for each file. */
function entriesOf(room: string): readonly string[] {
  const entry = manifestOf(room).exports['.'] ?? manifestOf(room).exports['./*']!
  return globSync(entry, { cwd: join(root, room) }).map((path) => join(root, room, path))
}

function pathsOf(room: string): readonly (readonly [string, readonly string[]])[] {
  const { name, exports } = manifestOf(room)
  return Object.entries(exports).map(([entry, path]) => [`${name}${entry.slice(1)}`, [join(root, room, path)]])
}

/** Takes a room's files out of what was emitted. Declarations keep the endings of their sources, which are not there any more. */
function move(emitted: string, room: string, target: string): void {
  const from = join(emitted, room, sourcesOf(room))
  mkdirSync(target, { recursive: true })
  for (const path of globSync('**/*.{js,d.ts}', { cwd: from })) {
    mkdirSync(join(target, path, '..'), { recursive: true })
    renameSync(join(from, path), join(target, path))
    if (!path.endsWith('.d.ts')) continue
    const text = readFileSync(join(target, path), 'utf8')
    writeFileSync(join(target, path), text.replace(/((?:from|import\()\s*["']\.[^"']*)\.ts(["'])/g, '$1.js$2'))
  }
}

function sourcesOf(room: string): string {
  return room === 'proto' ? 'gen' : 'src'
}

function writeManifest(target: string, room: string, more: object): void {
  const { name, version, license, exports } = manifestOf(room)
  const built = Object.entries(exports)
    .filter(([, path]) => path.endsWith('.ts'))
    .map(([entry, path]) => [entry, path.replace(`./${sourcesOf(room)}/`, './').replace(/\.ts$/, '')] as const)
    .filter(([, path]) => path.includes('*') || existsSync(join(target, `${path}.js`)))
    .map(([entry, path]) => [entry, { types: `${path}.d.ts`, default: `${path}.js` }])
  const manifest = { name, version, license, type: 'module', exports: Object.fromEntries(built), ...more }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  console.log(`${name}  ${relative(process.cwd(), target)}`)
}
