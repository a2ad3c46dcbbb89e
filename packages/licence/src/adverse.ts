import type { Event, RecognitionDeclared } from './event.ts'
import { type DeclarationState, noDeclaration } from './state.ts'

/**
 * Whether an event takes something away from its subject, so that refusing it must not leave the subject as it was:
 * suspending, revoking, amending (the version before ends), correcting (what stood was wrong), withdrawing, and declaring
 * less than what the event would have replaced. `before` is the state of the declaration without the event; licences need
 * none.
 */
export function isAdverse(event: Event, before: DeclarationState = noDeclaration): boolean {
  switch (event.kind) {
    case 'licence_amended':
    case 'licence_suspended':
    case 'licence_revoked':
    case 'licence_corrected':
    case 'recognition_withdrawn':
      return true
    case 'recognition_declared':
      return replacedBy(event, before).some((earlier) => narrows(event, earlier))
    case 'licence_issued':
    case 'licence_resumed':
    case 'licence_renewed':
    case 'restated':
    case 'observed':
      return false
  }
}

/** What decides at some moment from the event's start on: a version hidden before then is not replaced by it. */
function replacedBy(event: RecognitionDeclared, { versions }: DeclarationState): readonly RecognitionDeclared[] {
  return versions.flatMap(({ declared }, at) => {
    const hiddenBefore = versions.slice(at + 1).some(({ fromMs }) => fromMs <= event.effectiveFromMs)
    return declared === undefined || hiddenBefore ? [] : [declared]
  })
}

function narrows(event: RecognitionDeclared, earlier: RecognitionDeclared): boolean {
  const covers = (now: readonly string[], then: readonly string[]) => then.every((item) => now.includes(item))
  return (
    event.licenceType !== earlier.licenceType ||
    event.mode !== earlier.mode ||
    !covers(event.issuingZones, earlier.issuingZones) ||
    !covers(event.matters, earlier.matters) ||
    (event.effectiveUntilMs ?? Number.POSITIVE_INFINITY) < (earlier.effectiveUntilMs ?? Number.POSITIVE_INFINITY)
  )
}
