import type { RecognitionDeclared, RecognitionMode } from './event.ts'

/** What is asked of a declaration: would it take a licence of this type and zone for this matter? */
export interface RecognitionQuestion {
  readonly licenceType: string
  readonly issuingZone: string
  readonly matter: string
}

/** One cell of the recognition matrix. */
export interface MatrixRow extends RecognitionQuestion {
  readonly receivingZone: string
  readonly mode: RecognitionMode
  /** Id and version of the declaration that fills the cell. */
  readonly declarationId: string
  readonly version: number
}

/** Whether a declaration covers what is asked. Whether it is in force is `declarationInForce`'s matter. */
export function recognises(declaration: RecognitionDeclared, question: RecognitionQuestion): boolean {
  return (
    declaration.licenceType === question.licenceType &&
    declaration.issuingZones.includes(question.issuingZone) &&
    declaration.matters.includes(question.matter)
  )
}

/** The cells that one zone's declaration fills, matter by matter, issuing zone by issuing zone, in its own order. */
export function* matrixRows(receivingZone: string, declaration: RecognitionDeclared): Generator<MatrixRow, void> {
  const { licenceType, mode, declarationId, version } = declaration
  for (const matter of declaration.matters) {
    for (const issuingZone of declaration.issuingZones) {
      yield { receivingZone, licenceType, issuingZone, matter, mode, declarationId, version }
    }
  }
}
