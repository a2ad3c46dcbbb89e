import { refusal } from '@hutong/licence'
import { type ParsedElementInfo, Tokenizer, TokenizerError, TokenParser, TokenType } from '@streamparser/json'
import { createRecordReader, depthChange } from './json-record.ts'
import { type ImportRow, rowSizeMax, type ZoneChoice } from './row.ts'

/**
 * The rows of one JSON document: a list of objects, or an object of which one member is such a list. Where it stops being JSON, or ends
 * too early, the last row told says so; nothing behind that place is read. Memory is bounded by one object.
 */
export async function* jsonRows(text: AsyncIterable<string>, choice: ZoneChoice): AsyncGenerator<ImportRow> {
  const document = new JsonDocument(choice)
  for await (const piece of text) {
    for (const line of piece.split(/(?<=\n)/)) {
      document.write(line)
      yield* document.rows.splice(0)
      if (document.isOver) return
    }
  }
  document.end()
  yield* document.rows
}

class JsonDocument {
  readonly rows: ImportRow[] = []
  isOver = false
  readonly #tokenizer = new Tokenizer()
  readonly #readRecord: ReturnType<typeof createRecordReader>
  #parser: TokenParser | undefined
  #line = 1
  #depth = 0
  /** Depth at which the objects of the list stand. */
  #recordDepth = 0
  #recordLine = 1
  #recordSize = 0
  /** Names written in the object so far. */
  #names = 0
  #list: string | number | undefined

  constructor(choice: ZoneChoice) {
    this.#readRecord = createRecordReader(choice)
    this.#tokenizer.onError = (error) => this.#fault('NOT_JSON', jsonFault(error))
    this.#tokenizer.onToken = (token) => {
      if (this.isOver) return
      this.#parser ??= this.#parserFor(token.token)
      const change = depthChange(token.token)
      if (change === 1 && this.#depth === this.#recordDepth) this.#startRecord()
      this.#depth += change
      if (token.token === TokenType.COLON && this.#depth === this.#recordDepth + 1) this.#names += 1
      this.#parser.write(token)
    }
  }

  /** A piece of at most one line. */
  write(text: string): void {
    this.#recordSize += text.length
    this.#tokenizer.write(text)
    if (text.endsWith('\n')) this.#line += 1
    const isTooLong = this.#depth > this.#recordDepth && this.#recordSize > rowSizeMax + text.length
    if (isTooLong)
      this.#fault('NOT_JSON', `an object of at most ${rowSizeMax} characters, from line ${this.#recordLine}`)
  }

  end(): void {
    if (this.isOver) return
    if (this.#parser?.isEnded !== true) this.#fault('FILE_CUT', 'the end of the document')
    else if (this.#list === undefined && this.#recordDepth === 2)
      this.#fault('NOT_JSON', 'a member that is a list of objects')
  }

  #startRecord(): void {
    this.#recordLine = this.#line
    this.#recordSize = 0
    this.#names = 0
  }

  #parserFor(first: TokenType): TokenParser {
    this.#recordDepth = first === TokenType.LEFT_BRACKET ? 1 : 2
    const parser = new TokenParser({ paths: [this.#recordDepth === 1 ? '$.*' : '$.*.*'], keepStack: false })
    parser.onError = (error) => this.#fault('NOT_JSON', jsonFault(error))
    parser.onValue = (value) => this.#take(value)
    // What stands behind the end of the document is for the tokenizer to refuse.
    parser.onEnd = () => {}
    return parser
  }

  #take({ value, parent, stack }: ParsedElementInfo): void {
    if (this.isOver) return
    if (this.#recordDepth === 2) {
      if (!Array.isArray(parent)) return
      const list = stack.at(-1)?.key
      this.#list ??= list
      if (this.#list !== list) {
        this.#fault('NOT_JSON', 'only one member that is a list')
        return
      }
    }
    this.rows.push(this.#readRecord(value, this.#recordLine, this.#names))
  }

  #fault(code: 'NOT_JSON' | 'FILE_CUT', expected: string): void {
    if (this.isOver) return
    this.isOver = true
    const why = refusal(code, { field: 'document', expected })
    const source = { kind: 'text', text: '' } as const
    this.rows.push({ kind: 'refused', line: this.#line, refusal: why, restUnread: true, source })
  }
}

/** What the library says, without what it quotes of the content. */
function jsonFault(error: Error): string {
  const state = /in state (\w+)/.exec(error.message)?.[1] ?? ''
  return error instanceof TokenizerError
    ? 'a JSON document'
    : `a JSON document (something else where ${state.toLowerCase()} was due)`
}
