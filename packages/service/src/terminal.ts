import type { DestinationStream } from 'pino'

const HIDDEN = new Set(['level', 'time', 'name', 'pid', 'msg', 'err'])

/** Turns each JSON line of the logger into one line for a person at a terminal: time, level, name, sentence, facts. */
export function createTerminalStream(out: { write(text: string): unknown }): DestinationStream {
  return { write: (line) => void out.write(lineForPeople(line)) }
}

function lineForPeople(line: string): string {
  const { level, time, name, msg, err, ...rest } = JSON.parse(line)
  const facts = Object.entries(rest)
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const stack = err?.stack === undefined ? '' : `\n  ${printable(String(err.stack)).replaceAll('\n', '\n  ')}`
  return `${printable([String(time).slice(11, 23), level, name, msg, ...facts].join(' '))}${stack}\n`
}

// An outsider's text may reach a fact; it must not move the cursor of whoever reads the log.
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out here.
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
}
