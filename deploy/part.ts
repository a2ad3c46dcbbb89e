import type { LogSettings } from '@hutong/log-service'
import type { PublisherSettings } from '@hutong/publisher-service'
import type { GrpcServer, HttpServer, Logger, Routes } from '@hutong/service'
import type { Stream } from '@hutong/stream'
import type { VerifierSettings } from '@hutong/verifier-service'
import type { LogServiceService } from '@hutong/wire'
import type { DataDirectory } from './data-directory.ts'
import type { Tokens } from './tokens.ts'

/** Paces of the services of a box; what is left out has each service's own default. */
export interface BoxSettings {
  readonly log?: Partial<LogSettings>
  readonly publisher?: Partial<Omit<PublisherSettings, 'clients'>>
  readonly verifier?: Partial<VerifierSettings>
}

/** What tests put between the parts of a box, to see that the others bear it. */
export interface BoxFaults {
  /** The hub as its callers find it, in place of its own routes. */
  readonly hubRoutes?: (routes: Routes<typeof LogServiceService>) => Routes<typeof LogServiceService>
  /** A zone's clock, in place of the box's. */
  readonly zoneClock?: (zone: string, clock: () => number) => () => number
}

/** What the parts of a box share. */
export interface Surroundings {
  readonly data: DataDirectory
  readonly grpc: GrpcServer
  readonly http: HttpServer
  /** Known once the server listens. */
  grpcAddress(): string
  readonly tokens: Tokens
  /** `logged`. It outlives the hub, as a broker would. */
  readonly stream: Stream
  readonly clock: () => number
  readonly log: Logger
  readonly settings: BoxSettings
  readonly faults: BoxFaults
  /** How long a part waits for an answer of another, in milliseconds. */
  readonly peerDeadlineMs: number
  /** A part has come to an end by itself. */
  failed(part: string, error: unknown): void
}
