import type { LicenceEvent, RevocationManner } from './event.ts'
import { periodAt } from './period.ts'
import type { Bilingual } from './sentence.ts'
import type { LicenceState } from './state.ts'

/** State of a licence in the exchange of the housing ministry (住房和城乡建设部), as its data standards number them. */
export type MohurdState = '01' | '02' | '03' | '04' | '05' | '06' | '07' | '99'

/** The states, in their words. */
export const mohurdStates: Readonly<Record<MohurdState, Bilingual>> = {
  '01': { zh: '有效', en: 'in force' },
  '02': { zh: '暂扣', en: 'suspended' },
  '03': { zh: '撤销', en: 'withdrawn' },
  '04': { zh: '注销', en: 'cancelled' },
  '05': { zh: '失效', en: 'lapsed' },
  '06': { zh: '办理转出', en: 'being transferred out' },
  '07': { zh: '吊销', en: 'revoked as a penalty' },
  '99': { zh: '其他', en: 'other' },
}

/** What was done to a licence, in the same exchange. */
export type MohurdOperation = '01' | '02' | '03' | '04' | '05' | '06' | '07' | '08' | '09' | '10'

/** The operations, in their words. */
export const mohurdOperations: Readonly<Record<MohurdOperation, Bilingual>> = {
  '01': { zh: '新发', en: 'issued' },
  '02': { zh: '延续', en: 'renewed' },
  '03': { zh: '暂扣', en: 'suspended' },
  '04': { zh: '过期失效', en: 'lapsed at the end of its period' },
  '05': { zh: '注销', en: 'cancelled' },
  '06': { zh: '暂扣发还', en: 'given back' },
  '07': { zh: '其他', en: 'other' },
  '08': { zh: '转入', en: 'transferred in' },
  '09': { zh: '变更', en: 'amended' },
  '10': { zh: '取消转出', en: 'transfer out cancelled' },
}

/**
 * The state code of the version that counts, at a moment (milliseconds since 1970). What was taken away comes before the
 * clock, as in a verdict: a suspended licence whose period ends is still called suspended. 99 where the list has no word:
 * never issued, or a period that has not begun, which must not be called 有效.
 *
 * @throws {TypeError} as `periodAt`.
 */
export function mohurdStateOf(state: LicenceState, atMs: number): MohurdState {
  switch (state.kind) {
    case 'none':
      return '99'
    case 'suspended':
      return '02'
    case 'revoked':
      return stateOfManner[state.manner]
    case 'in_force':
      return stateOfPeriod[periodAt(state.licence, atMs)]
  }
}

/** What a state code says about a licence, in this domain. */
export type MohurdStateMeaning =
  | { readonly kind: 'in_force' }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'revoked'; readonly manner: RevocationManner }
  /** The period is over: the clock says so, no event does. */
  | { readonly kind: 'expired' }
  /** A transfer to another zone is open: no event of this contract says so. */
  | { readonly kind: 'transfer_open' }
  /** Something this list does not name; nothing may be concluded from it. */
  | { readonly kind: 'other' }

/** The inverse of `mohurdStateOf`, as far as there is one. */
export function stateFromMohurd(code: MohurdState): MohurdStateMeaning {
  switch (code) {
    case '01':
      return { kind: 'in_force' }
    case '02':
      return { kind: 'suspended' }
    case '03':
      return { kind: 'revoked', manner: 'withdrawn' }
    case '04':
      return { kind: 'revoked', manner: 'cancelled' }
    case '05':
      return { kind: 'expired' }
    case '06':
      return { kind: 'transfer_open' }
    case '07':
      return { kind: 'revoked', manner: 'penalty' }
    case '99':
      return { kind: 'other' }
  }
}

/**
 * The operation code of an event. 撤销 and 吊销 are states in that list and no operations, and 更正 is neither: 07, and the
 * state code beside it says which.
 */
export function mohurdOperationOf(event: LicenceEvent): MohurdOperation {
  switch (event.kind) {
    case 'licence_issued':
      return '01'
    case 'licence_renewed':
      return '02'
    case 'licence_suspended':
      return '03'
    case 'licence_revoked':
      return event.manner === 'cancelled' ? '05' : '07'
    case 'licence_resumed':
      return '06'
    case 'licence_corrected':
      return '07'
    case 'licence_amended':
      return '09'
  }
}

/** What an operation code says was done, in this domain. */
export type MohurdOperationMeaning =
  | { readonly kind: 'event'; readonly event: Exclude<LicenceEvent['kind'], 'licence_revoked'> }
  | { readonly kind: 'event'; readonly event: 'licence_revoked'; readonly manner: RevocationManner }
  /** The period ended: nobody has to publish that. */
  | { readonly kind: 'clock' }
  /** Between zones: kinds 6 to 8 are kept for it, and no event of this contract says it. */
  | { readonly kind: 'transfer' }
  /** Something this list does not name: perhaps a correction, or a revocation whose state code stands beside it. */
  | { readonly kind: 'other' }

/**
 * The inverse of `mohurdOperationOf`, as far as there is one. `after` is the state code that came with it: it tells what
 * 07 was where that was a revocation.
 */
export function operationFromMohurd(code: MohurdOperation, after?: MohurdState): MohurdOperationMeaning {
  switch (code) {
    case '01':
      return happened('licence_issued')
    case '02':
      return happened('licence_renewed')
    case '03':
      return happened('licence_suspended')
    case '04':
      return { kind: 'clock' }
    case '05':
      return { kind: 'event', event: 'licence_revoked', manner: 'cancelled' }
    case '06':
      return happened('licence_resumed')
    case '07':
      return otherOperation(after)
    case '08':
    case '10':
      return { kind: 'transfer' }
    case '09':
      return happened('licence_amended')
  }
}

const stateOfManner = { cancelled: '04', withdrawn: '03', penalty: '07' } as const
const stateOfPeriod = { before: '99', within: '01', after: '05' } as const

function otherOperation(after: MohurdState | undefined): MohurdOperationMeaning {
  const state = after === undefined ? undefined : stateFromMohurd(after)
  // 注销 has an operation of its own: 07 beside that state is something else that was done to a cancelled licence.
  if (state?.kind !== 'revoked' || state.manner === 'cancelled') return { kind: 'other' }
  return { kind: 'event', event: 'licence_revoked', manner: state.manner }
}

function happened(event: Exclude<LicenceEvent['kind'], 'licence_revoked'>): MohurdOperationMeaning {
  return { kind: 'event', event }
}
