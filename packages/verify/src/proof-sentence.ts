import type { Bilingual } from '@hutong/licence'
import type { ProofVerdict } from './proof.ts'
import { proofFaults } from './proof-fault.ts'

/** The last moment that ISO 8601 can name in JavaScript. */
const lastNameableMs = 8_640_000_000_000_000

/** What the check of a proof says in one sentence (formats F10); the line that a person reads first. */
export function proofSentence(verdict: ProofVerdict): Bilingual {
  switch (verdict.kind) {
    case 'holds': {
      const event = `${verdict.origin}/${verdict.index}`
      const time = momentOf(verdict.receivedAtMs)
      return {
        zh: `证明成立，截至事件 ${event}（${time}）；此后的事件，包括本文件生成之前的，不在证明之内`,
        en: `PROOF HOLDS up to event ${event}, at ${time}; what came after it, also before this file was made, is not covered`,
      }
    }
    case 'fails': {
      const { zh, en } = proofFaults[verdict.code]
      return {
        zh: `证明不成立：${verdict.code} ${verdict.where}（${zh}）`,
        en: `PROOF FAILS: ${verdict.code} ${verdict.where} (${en})`,
      }
    }
  }
}

function momentOf(milliseconds: number): string {
  return milliseconds <= lastNameableMs ? new Date(milliseconds).toISOString() : String(milliseconds)
}
