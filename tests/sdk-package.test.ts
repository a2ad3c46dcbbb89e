import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectFolder } from './constellation/command-line.ts'

const sdk = join(projectFolder, 'packages', 'sdk')
const vectors = join(projectFolder, 'packages', 'verify', 'vectors', 'proof')
/** What a consumer has besides: the dependencies that its package manager would fetch, and Node's types. */
const beside: readonly (readonly [string, string])[] = [
  ['@grpc/grpc-js', join(sdk, 'node_modules')],
  ['@bufbuild/protobuf', join(projectFolder, 'proto', 'node_modules')],
  ['@types/node', join(projectFolder, 'node_modules')],
]
const limitMs = 60_000

const run = (file: string, args: readonly string[], cwd: string) =>
  promisify(execFile)(file, args, { cwd, timeout: limitMs }).then(
    ({ stdout }) => ({ exitCode: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ exitCode: code, stdout }),
  )

describe('the built sdk, packed and installed outside this repository', () => {
  let scratch: string
  let examples: Readonly<Record<string, string>>

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'sdk-package-'))
    const modules = join(scratch, 'node_modules')
    const dist = join(scratch, 'dist')
    await promisify(execFile)(process.execPath, [join(sdk, 'build.ts'), dist], { timeout: limitMs })
    const packed = await promisify(execFile)('npm', ['pack', '--json', '--ignore-scripts'], {
      cwd: dist,
      timeout: limitMs,
    })
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
    await mkdir(join(modules, '@hutong', 'sdk'), { recursive: true })
    const unpack = ['xzf', join(dist, filename), '-C', join(modules, '@hutong', 'sdk'), '--strip-components=1']
    await promisify(execFile)('tar', unpack, { timeout: limitMs })
    for (const [name, folder] of beside) {
      await mkdir(join(modules, name, '..'), { recursive: true })
      await symlink(await realpath(join(folder, name)), join(modules, name))
    }
    await writeFile(join(scratch, 'package.json'), '{"type":"module"}')
    const readme = await readFile(join(modules, '@hutong', 'sdk', 'README.md'), 'utf8')
    examples = Object.fromEntries(
      [...readme.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].map(([, kind, text]) => [kind, text]),
    )
    await writeFile(join(scratch, 'check.mjs'), examples.js!)
    await writeFile(join(scratch, 'publish.ts'), examples.ts!)
  }, 2 * limitMs)
  afterAll(() => rm(scratch, { recursive: true, force: true }))

  it('checks a proof in plain node, as its README shows', async () => {
    const paths = [join(vectors, 'proof.json'), join(vectors, 'charter-0.bin')]
    expect(await run(process.execPath, ['check.mjs', ...paths], scratch)).toEqual({
      exitCode: 0,
      stdout:
        'PROOF HOLDS up to event test.hutong.example/z/beijing/1/8, at 2026-06-01T00:00:04.000Z; what came after it, ' +
        'also before this file was made, is not covered\n' +
        '3  licence_issued  true\n5  licence_suspended  true\n6  licence_resumed  true\n8  licence_revoked  true\n',
    })
    const failed = await run(process.execPath, ['check.mjs', paths[1]!, paths[1]!], scratch)
    expect(failed).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^PROOF FAILS: PROOF_UNREADABLE /) })
  })

  it('has types, also for what its README shows, and none is lost on the way', async () => {
    const wrong = "import { verifyProof } from '@hutong/sdk'\nexport const index: bigint = verifyProof(1, 2).index\n"
    await writeFile(join(scratch, 'wrong.ts'), wrong)
    // Without skipLibCheck, so that a declaration that does not resolve is an error and not `any`.
    const compile = (file: string) =>
      run(
        join(projectFolder, 'node_modules', '.bin', 'tsc'),
        [
          ...['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'],
          ...['--lib', 'es2024,esnext.disposable', file],
        ],
        scratch,
      )
    expect(await compile('publish.ts')).toEqual({ exitCode: 0, stdout: '' })
    expect((await compile('wrong.ts')).stdout.match(/error TS\d+/g)).toEqual(['error TS2345', 'error TS2339'])
  })
})
