import { Command, CommanderError } from 'commander'
import type { Cli, Surroundings } from './command.ts'
import { complete, completionCommand, completionRequest } from './completion.ts'
import { CommandError, exitOfError, exits } from './exit.ts'
import { createPrint, plain } from './print.ts'
import { remedyOf } from './remedy.ts'

/** Every noun; only the one that is asked for is loaded, so that a small command starts quickly. */
const nouns: readonly {
  readonly name: string
  readonly summary: string
  readonly load: (cli: Cli) => Promise<Command>
}[] = [
  {
    name: 'licence',
    summary: 'publish, import, look up and verify licences',
    load: async (cli) => (await import('./licence.ts')).licenceCommand(cli),
  },
  {
    name: 'recognition',
    summary: 'declare which licences are recognised',
    load: async (cli) => (await import('./recognition.ts')).recognitionCommand(cli),
  },
  {
    name: 'verdict',
    summary: 'show a verdict that was given',
    load: async (cli) => (await import('./verdict.ts')).verdictCommand(cli),
  },
  {
    name: 'dev',
    summary: 'stop and start parts of the running box',
    load: async (cli) => (await import('./dev.ts')).devCommand(cli),
  },
  { name: 'log', summary: "read the hub's log", load: async (cli) => (await import('./log.ts')).logCommand(cli) },
  {
    name: 'publisher',
    summary: "a zone's publisher",
    load: async (cli) => (await import('./publisher.ts')).publisherCommand(cli),
  },
  {
    name: 'audit',
    summary: 'replay everything and compare',
    load: async (cli) => (await import('./audit.ts')).auditCommand(cli),
  },
  {
    name: 'evidence',
    summary: 'check evidence that somebody contradicts himself',
    load: async (cli) => (await import('./evidence.ts')).evidenceCommand(cli),
  },
  {
    name: 'charter',
    summary: "make and show the alliance's charter",
    load: async (cli) => (await import('./charter.ts')).charterCommand(cli),
  },
  {
    name: 'proof',
    summary: 'export and check proofs of licences',
    load: async (cli) => (await import('./proof.ts')).proofCommand(cli),
  },
  {
    name: 'receipt',
    summary: 'show and check receipts of events',
    load: async (cli) => (await import('./receipt.ts')).receiptCommand(cli),
  },
  {
    name: 'ca',
    summary: 'make and show transport certificates',
    load: async (cli) => (await import('./ca.ts')).caCommand(cli),
  },
  { name: 'keys', summary: 'make keys', load: async (cli) => (await import('./keys.ts')).keysCommand(cli) },
  {
    name: 'crypto',
    summary: 'check a signature with our own code',
    load: async (cli) => (await import('./crypto.ts')).cryptoCommand(cli),
  },
  { name: 'note', summary: 'check a signed note', load: async (cli) => (await import('./note.ts')).noteCommand(cli) },
  {
    name: 'tlog',
    summary: 'check a directory of static tiles',
    load: async (cli) => (await import('./tlog.ts')).tlogCommand(cli),
  },
  {
    name: 'doctor',
    summary: 'say what is wrong with this machine and the box',
    load: async (cli) => (await import('./doctor.ts')).doctorCommand(cli),
  },
  {
    name: 'completion',
    summary: 'print a script that completes hutong in a shell',
    load: async (cli) => completionCommand(cli),
  },
]

/** Runs one command line (without `node` and the script) and returns its exit code; never rejects. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const print = createPrint(surroundings.stdout, surroundings.stderr, surroundings.env)
  const cli: Cli = { ...surroundings, print, exitCode: exits.done }
  try {
    const toComplete = completionRequest(args)
    if (toComplete !== undefined) {
      await complete(cli, await createProgram(cli, toComplete[0]), toComplete)
      return exits.done
    }
    const program = await createProgram(cli, args[0])
    await program.parseAsync([...args], { from: 'user' })
    return cli.exitCode
  } catch (error) {
    print.progress('')
    if (surroundings.signal.aborted) return exits.interrupted
    return tell(cli, error, args.includes('--json'))
  }
}

/** The command line with the verbs of one noun, or of all where `only` is none. */
export async function createProgram(cli: Cli, only?: string): Promise<Command> {
  const program = new Command('hutong').description('互通: mutual recognition of electronic licences between zones')
  program.addHelpText(
    'before',
    'Examples:\n  hutong licence verify ID --at-zone tianjin --matter KSTB-001\n  hutong dev status\n',
  )
  program.helpCommand(false).enablePositionalOptions()
  const isKnown = nouns.some(({ name }) => name === only)
  for (const { name, summary, load } of nouns) {
    if (!isKnown || name === only) program.addCommand(await load(cli))
    else program.command(name).description(summary)
  }
  for (const command of withVerbs(program)) {
    command.exitOverride()
    // What is wrong stands in the line before; the second says what to do, as after every error.
    command.showHelpAfterError(`→ ${usageRemedy(command)}`)
    command.configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      getOutHelpWidth: () => cli.stdout.columns ?? 100,
      getErrHelpWidth: () => cli.stderr.columns ?? 100,
    })
  }
  return program
}

function usageRemedy(command: Command): string {
  const names: string[] = []
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name())
  return `用法与示例见 see ${names.join(' ')} --help`
}

/** A command and everything under it. */
export function withVerbs(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withVerbs)]
}

function tell(cli: Cli, error: unknown, isJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage
  const exitCode = exitOfError(error)
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL_ERROR'
  const message = error instanceof Error ? error.message : String(error)
  const remedy = remedyOf(error)
  if (isJson) cli.print.json({ error: { code, message, exitCode, remedy } })
  cli.print.complain(`hutong: ${plain(message)}`)
  cli.print.complain(`→ ${remedy.zh} ${remedy.en}`)
  // Only our own mistakes come with where they happened.
  if (exitCode === exits.ourBug && !(error instanceof CommandError) && error instanceof Error) {
    cli.print.complain(error.stack ?? '')
  }
  return exitCode
}
