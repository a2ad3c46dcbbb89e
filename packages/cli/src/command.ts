import { Command } from 'commander'
import { CommandError, exits } from './exit.ts'
import type { Output, Print } from './print.ts'

/** Everything a command may touch of the world it was called in. */
export interface Surroundings {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: AsyncIterable<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  /** Aborts when the person at the terminal has had enough. */
  readonly signal: AbortSignal
}

/** What the actions of commands share. */
export interface Cli extends Surroundings {
  readonly print: Print
  /** The exit code, once the command has done its work. */
  exitCode: number
}

/** Options that every command has. */
export interface Common {
  readonly json?: true
}

/** A noun, to which verbs are added. */
export function noun(name: string, summary: string): Command {
  return new Command(name).description(summary).helpCommand(false)
}

/** Adds a verb with its examples, which help shows first; each must parse. */
export function verb(parent: Command, shape: string, summary: string, verbExamples: readonly string[]): Command {
  return asVerb(parent.command(shape), summary, verbExamples)
}

/** The same of a command that stands alone, without a noun. */
export function asVerb(command: Command, summary: string, verbExamples: readonly string[]): Command {
  command.description(summary).allowExcessArguments(false).option('--json', 'answer in JSON')
  command.addHelpText('before', exampleText(verbExamples))
  examples.set(command, verbExamples)
  return command
}

/** The examples of a verb, `hutong` left out; a test parses each of them. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? []
}

/** Gathers an option that may be given several times. */
export function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** One of the words of an option. */
export function wordOf<const Word extends string>(option: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given)
  if (found !== undefined) return found
  throw new CommandError(exits.usage, 'USAGE', `${option}: want one of ${words.join(', ')}, got "${given}"`)
}

const examples = new WeakMap<Command, readonly string[]>()

function exampleText(lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  hutong ${line}\n`).join('')}`
}
