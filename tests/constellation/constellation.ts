import type { ReplayReport } from '@hutong/audit'
import type { CheckResult, Event, LicenceIssued, RecognitionDeclared, RevocationManner, Word } from '@hutong/licence'
import type { Outcome, PublisherStatus, StageName } from '@hutong/sdk'
import type {
  DigestResponse,
  HistoryResponse,
  LogServiceStatusResponse,
  VerifierServiceStatusResponse,
} from '@hutong/wire'

/**
 * An alliance that runs, as the stories see it: what its zones publish, what its counters say, and which of its parts are there. A story told
 * over it does not know on which engine, or in how many processes, the alliance runs.
 */
export interface Constellation extends AsyncDisposable {
  /** What it runs on, in words; every story prints it. */
  readonly engine: string
  readonly zones: readonly string[]
  /** What a command line needs in its environment to find this alliance. */
  readonly environment: Readonly<Record<string, string>>
  /** host:port of the counters' pages. */
  readonly httpAddress: string

  issue(zone: string, licence: LicenceIssued, waitFor?: StageName): Promise<Outcome>
  suspend(zone: string, licence: LicenceIssued): Promise<Outcome>
  resume(zone: string, licence: LicenceIssued): Promise<Outcome>
  revoke(zone: string, licence: LicenceIssued, manner?: RevocationManner): Promise<Outcome>
  declare(zone: string, declaration: RecognitionDeclared): Promise<Outcome>
  withdraw(zone: string, declaration: RecognitionDeclared): Promise<Outcome>
  /** One event under a request id of its own. */
  publish(zone: string, event: Event, waitFor?: StageName): Promise<Outcome>

  /** Asks at the counter of a zone. */
  verify(zone: string, question: Question): Promise<Answer>
  /** What a zone's verifier holds about a licence. */
  history(zone: string, identifier: string): Promise<HistoryResponse>
  /** A zone's state digest at a position; 0: all it has applied. */
  digest(zone: string, position?: bigint): Promise<DigestResponse>
  verifierStatus(zone: string): Promise<VerifierServiceStatusResponse>
  publisherStatus(zone: string): Promise<PublisherStatus>
  hubStatus(): Promise<LogServiceStatusResponse>
  /** Replays everything from the hub and compares with every zone's verifier. */
  auditReplay(): Promise<ReplayReport>

  /** Stops `hub` or a zone. */
  stop(part: string): Promise<void>
  start(part: string): Promise<void>
  /** Lets a zone's publisher take over what it had signed and lost. */
  adoptPublisher(zone: string): Promise<Adopted>
  /** Lets the hub take back from a zone what it had signed and lost. */
  adoptLog(fromZone: string): Promise<Adopted>
}

/** What an operator is told of an adoption. */
export interface Adopted {
  readonly oldSize: bigint
  readonly newSize: bigint
  /** Reason code; undefined where it was done. */
  readonly refused: string | undefined
}

/** What a clerk asks. */
export interface Question {
  readonly identifier: string
  readonly matter: string
  readonly holderCode?: string
}

/** What a counter answers: a verdict, or that the question was none. */
export type Answer = VerdictAnswer | { readonly kind: 'refused'; readonly status: number; readonly code: string }

export interface VerdictAnswer {
  readonly kind: 'verdict'
  readonly word: Word
  readonly code: string
  /** `<result> <code>` by check. */
  readonly checks: Readonly<Record<string, `${CheckResult} ${string}`>>
  readonly ageMs: number | undefined
  readonly position: number
  readonly receiptNumber: string
}

/** The verdict in short: `VALID`, or the word and what made it, as in `INVALID HOLDER`. */
export function inShort(answer: Answer): string {
  if (answer.kind === 'refused') return `refused ${answer.code}`
  return answer.word === 'VALID' ? 'VALID' : `${answer.word} ${answer.code}`
}
