import { type Db, MongoClient, type MongoClientOptions } from 'mongodb'
import { StoreUnavailableError } from './errors.ts'

/** The same database through two clients, each with the patience of its calls. */
export interface MongoClients extends AsyncDisposable {
  /** For what somebody waits for: gives up early. */
  readonly lookups: Db
  /** For what may take its time; a write that ran into its limit may have been applied. */
  readonly writes: Db
}

/** Longest that a lookup waits for one answer of the server, in milliseconds. */
export const lookupLimitMs: number = 1_500
/** Longest that a write waits for one answer of the server, in milliseconds. */
export const writeLimitMs: number = 20_000

/**
 * Both connected: one whose first connection fails, at its first call, is closed by the driver for good.
 *
 * @throws what the driver says when one cannot connect; then both are closed.
 */
export async function connectMongoClients(uri: string, database: string): Promise<MongoClients> {
  const lookups = new MongoClient(uri, { ...common, ...lookupLimits })
  const writes = new MongoClient(uri, { ...common, ...writeLimits })
  const close = async () => {
    await Promise.all([lookups.close(), writes.close()])
  }
  try {
    await within(writeLimitMs, 'connecting', Promise.all([lookups.connect(), writes.connect()]))
    return { lookups: lookups.db(database), writes: writes.db(database), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The answer, or after `limitMs` the exception: the driver's own `timeoutMS` ends nothing, and `maxTimeMS` is counted by
 * the server, which may be what stands still.
 *
 * @throws {StoreUnavailableError} no answer within the limit; what was asked for may still happen.
 */
export async function within<T>(limitMs: number, what: string, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    const late = () => reject(new StoreUnavailableError(`${what}: MongoDB gave no answer within ${limitMs} ms`))
    timer = setTimeout(late, limitMs)
  })
  try {
    return await Promise.race([answer, limit])
  } finally {
    clearTimeout(timer)
  }
}

// Nothing here is left to the server's defaults or to the address: an operator who writes `w=1` into it would lose
// acknowledged writes with the next primary. Repeating is the caller's business, who reads before.
const common: MongoClientOptions = {
  appName: 'hutong',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 8_000 },
  readPreference: 'primary',
  retryReads: false,
  retryWrites: false,
  heartbeatFrequencyMS: 1_000,
  ignoreUndefined: false,
}

const lookupLimits: MongoClientOptions = {
  connectTimeoutMS: 1_000,
  socketTimeoutMS: 700,
  serverSelectionTimeoutMS: 700,
  waitQueueTimeoutMS: 700,
  maxPoolSize: 16,
}

const writeLimits: MongoClientOptions = {
  connectTimeoutMS: 5_000,
  socketTimeoutMS: 10_000,
  serverSelectionTimeoutMS: 5_000,
  waitQueueTimeoutMS: 10_000,
  maxPoolSize: 4,
}
