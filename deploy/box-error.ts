/** Why a box does not start; a person must decide something. Shown as one line, without a stack. */
export class BoxError extends Error {
  override readonly name = 'BoxError'
  /** UPPER_SNAKE. */
  readonly code: string
  /** 2: asked for something that cannot be. 7: the data says otherwise, or somebody else has it. */
  readonly exitCode: 2 | 7

  constructor(exitCode: 2 | 7, code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
    this.code = code
  }
}
