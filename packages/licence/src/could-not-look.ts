import type { Code } from './catalogue.ts'
import { sentence } from './sentence.ts'
import type { AsOf, Findings } from './verdict.ts'

/** Who asked what, as far as findings repeat it. */
export interface Asked {
  readonly identifier: string
  readonly matter: string
  readonly receivingZone: string
  readonly policy: { readonly name: string; readonly version: number }
  /** Undefined: about now. */
  readonly asOf: AsOf | undefined
}

/** Why nothing could be looked at: our own failures, and never a word about the licence. */
export type CouldNotLookCode = Extract<Code, 'STORE_AWAY' | 'VERIFIER_AWAY' | 'NOT_CHECKED' | 'PAYLOAD_MISMATCH'>

/** Nothing could be looked at up to this position: UNDETERMINED, without any check. */
export function couldNotLook(asked: Asked, position: bigint, code: CouldNotLookCode): Findings {
  const { zh, en } = sentence(code)
  return { ...noFindings(asked, position), word: 'UNDETERMINED', code, headlineZh: zh, headlineEn: en }
}

/** Findings in which nothing was found yet, for a word and what it rests on to be put in. */
export function noFindings(
  asked: Asked,
  position: bigint,
): Omit<Findings, 'word' | 'code' | 'headlineZh' | 'headlineEn'> {
  return {
    identifier: asked.identifier,
    matter: asked.matter,
    receivingZone: asked.receivingZone,
    issuingZone: '',
    findings: [],
    position,
    dataTimeMs: 0,
    ageMs: undefined,
    policyName: asked.policy.name,
    policyVersion: asked.policy.version,
    mode: undefined,
    declarationEvent: '',
    declaration: '',
    licence: undefined,
    lastEvent: '',
    successor: '',
    asOf: asked.asOf,
  }
}
