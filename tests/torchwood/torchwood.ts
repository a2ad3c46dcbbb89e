import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** filippo.io/torchwood behind a small program, built. Dispose it: it lies in a temporary folder. */
export interface Torchwood extends AsyncDisposable {
  readonly kind: 'built'
  /** Checks a text of tlog-proof under a tlog-policy; the leaf is the one given, or the one in `extra`. */
  check(
    policy: string,
    proof: Uint8Array,
    leaf?: Uint8Array,
  ): Promise<{ readonly included: boolean; readonly said: string }>
}

/** It could not be built here, for a reason that is not ours. */
export interface NoTorchwood {
  readonly kind: 'absent'
  readonly reason: string
}

/** The oldest release that knows tlog-proof and tlog-policy asks for this Go; an older `go` takes it from the module proxy. */
const toolchain = 'go1.27.3'
const downloadLimitMs = 90_000
const buildLimitMs = 200_000
const checkLimitMs = 30_000

/** Longest that `buildTorchwood` takes, in milliseconds: the first time on a machine Go's own library is compiled as well. */
export const torchwoodLimitMs: number = downloadLimitMs + buildLimitMs + 10_000

/**
 * Builds the Go program beside this file, with toolchain and modules from the module proxy. A machine on which that takes too long has none.
 * @throws what the compiler says of the program.
 */
export async function buildTorchwood(): Promise<Torchwood | NoTorchwood> {
  try {
    await go(['mod', 'download'], downloadLimitMs)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = isMissing ? 'go: not installed here' : `neither ${toolchain} nor filippo.io/torchwood from the proxy`
    return { kind: 'absent', reason }
  }
  const folder = await mkdtemp(join(tmpdir(), 'torchwood-'))
  const program = join(folder, 'torchwood')
  try {
    await go(['build', '-o', program, 'main.go'], buildLimitMs)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    if (!isOverdue(error)) throw error
    return { kind: 'absent', reason: `go build: not done after ${buildLimitMs / 1_000} s on this machine` }
  }
  return {
    kind: 'built',
    check: (policy, proof, leaf) => checkWith(program, folder, policy, proof, leaf),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** `execFile` kills what runs into its limit; a compiler that refuses the program ends by itself. */
function isOverdue(error: unknown): boolean {
  return (error as { readonly killed?: boolean }).killed === true
}

async function go(args: readonly string[], limitMs: number): Promise<void> {
  const env = { ...process.env, GOTOOLCHAIN: toolchain, GO111MODULE: 'on', GOFLAGS: '-mod=readonly' }
  await promisify(execFile)('go', args, { cwd: import.meta.dirname, timeout: limitMs, env })
}

async function checkWith(
  program: string,
  folder: string,
  policy: string,
  proof: Uint8Array,
  leaf: Uint8Array | undefined,
): Promise<{ readonly included: boolean; readonly said: string }> {
  const files = [
    ['policy', policy],
    ['proof', proof],
    ...(leaf === undefined ? [] : [['leaf', leaf] as const]),
  ] as const
  for (const [name, content] of files) await writeFile(join(folder, name), content)
  const paths = files.map(([name]) => join(folder, name))
  try {
    const { stdout } = await promisify(execFile)(program, paths, { timeout: checkLimitMs })
    return { included: true, said: stdout }
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string }
    // Only its own refusal is one: a crash or a wrong call proves nothing about the proof.
    if (code !== 1 || stderr === undefined) throw error
    return { included: false, said: stderr }
  }
}
