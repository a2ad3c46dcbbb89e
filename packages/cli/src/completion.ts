import { RootCommand } from '@bomb.sh/tab'
import { Argument, Command } from 'commander'
import { dataDirectory, readBoxFile } from './box.ts'
import { asVerb, type Cli, type Common } from './command.ts'
import { completionScripts, type Shell, shells } from './completion-scripts.ts'
import { stageNames } from './publish.ts'

/** What a shell's script runs for each press of the key: this noun, `--`, and the words so far. */
const askedName = 'complete'
/** What the shell is told: nothing of ours fits, take names of files; or take what was listed and nothing else. */
const takeFileNames = ':0'
const takeNothingElse = ':4'

/** `hutong completion …`: a script for a shell that completes nouns, verbs, options and the zones of the running box. */
export function completionCommand(cli: Cli): Command {
  return asVerb(new Command('completion'), 'print a script that completes hutong in a shell', [
    'completion bash',
    'completion zsh',
    'completion fish',
  ])
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', installation)
    .action((shell: Shell, { json }: Common) => {
      if (json) cli.print.json({ shell, script: completionScripts[shell] })
      else cli.stdout.write(completionScripts[shell])
    })
}

const installation = `
To have it in every new shell, with hutong in the PATH:
  bash  hutong completion bash > ~/.local/share/bash-completion/completions/hutong
  zsh   hutong completion zsh > ~/.zsh/completions/_hutong    (that folder in fpath, then compinit)
  fish  hutong completion fish > ~/.config/fish/completions/hutong.fish`

/** Whether a command line is a shell's question, and the words to complete: the last one is what has been typed of the next. */
export function completionRequest(args: readonly string[]): readonly string[] | undefined {
  return args[0] === askedName && args[1] === '--' ? args.slice(2) : undefined
}

/**
 * Answers a shell: one candidate a line with its description, then what the shell does with them. Where nothing of ours is known the shell
 * offers names of files, for those are what most arguments are.
 */
export async function complete(cli: Cli, program: Command, words: readonly string[]): Promise<void> {
  const root = rootOf(program, await zonesOf(cli))
  const lines = linesOf(() => root.parse([...words]))
  const isEmpty = lines.length === 1
  for (const line of lines) cli.print.line(isEmpty && line === takeNothingElse ? takeFileNames : line)
}

function rootOf(program: Command, zones: readonly string[]): RootCommand {
  const root = new RootCommand()
  const add = (command: Command, path: string) => {
    const node = path === '' ? root : root.command(path, command.description())
    const help = command.createHelp()
    for (const option of help.visibleOptions(command)) {
      const name = option.long?.slice(2)
      if (name === undefined) continue
      const takesValue = option.required || option.optional
      const values = option.argChoices ?? valuesOf(name, zones)
      if (takesValue) node.option(name, option.description, offering(values), option.short?.slice(1))
      else node.option(name, option.description, option.short?.slice(1))
    }
    for (const argument of command.registeredArguments) {
      const values = argument.argChoices ?? valuesOf(argument.name(), zones)
      node.argument(argument.name(), offering(values), argument.variadic)
    }
    for (const below of help.visibleCommands(command))
      add(below, path === '' ? below.name() : `${path} ${below.name()}`)
  }
  add(program, '')
  return root
}

function offering(values: readonly string[]): (offer: (value: string, description: string) => void) => void {
  return (offer) => {
    for (const value of values) offer(value, '')
  }
}

/** What is known of the values of an option or argument by its name. */
function valuesOf(name: string, zones: readonly string[]): readonly string[] {
  if (zoneNames.has(name)) return zones
  return name === 'wait' ? stageNames : []
}

const zoneNames: ReadonlySet<string> = new Set(['zone', 'at-zone', 'from-zone', 'issuing-zone', 'receiving-zone'])

/** The zones of the box that runs on the data a command would take; a key pressed in a shell never complains. */
async function zonesOf(cli: Cli): Promise<readonly string[]> {
  const file = await readBoxFile(dataDirectory(cli, {})).catch(() => undefined)
  return file?.zones ?? []
}

/** The library prints by itself, at once: what it prints is taken before it goes out. */
function linesOf(work: () => void): readonly string[] {
  const lines: string[] = []
  const { log } = console
  console.log = (text: string) => void lines.push(...text.split('\n'))
  try {
    work()
  } finally {
    console.log = log
  }
  return lines
}
