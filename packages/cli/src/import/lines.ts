/** A line of a text, its end left out; `isTooLong`: it is longer than allowed, this is its beginning, and nothing follows. */
export interface TextLine {
  readonly text: string
  readonly isTooLong: boolean
}

/** A text line by line; memory is bounded by the longest line allowed, `sizeMax` characters. */
export async function* linesOf(text: AsyncIterable<string>, sizeMax: number): AsyncGenerator<TextLine> {
  let rest = ''
  for await (const piece of text) {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop()!
    const long = lines.findIndex((line) => line.length > sizeMax)
    for (const line of long < 0 ? lines : lines.slice(0, long)) yield { text: line, isTooLong: false }
    if (long >= 0 || rest.length > sizeMax) {
      yield { text: (long >= 0 ? lines[long]! : rest).slice(0, sizeMax), isTooLong: true }
      return
    }
  }
  if (rest !== '') yield { text: rest, isTooLong: false }
}
