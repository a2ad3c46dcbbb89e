import {
  MongoAPIError,
  MongoBulkWriteError,
  MongoCompatibilityError,
  MongoError,
  MongoNotConnectedError,
  MongoParseError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb'
import { StoreFormatError, StoreFullError, StoreUnavailableError } from './errors.ts'

/**
 * The reaction that a failure of the driver or the server asks for; a fault of our own code comes back as it is.
 *
 * What a server refuses is not known to be damage: without rights, without a primary, without a majority, the same call
 * may succeed when somebody has acted. A mongod whose disk fails ends itself, so no StoreBrokenError comes from here.
 */
export function storeErrorFromMongo(error: unknown): unknown {
  if (isLostConnection(error)) return new StoreUnavailableError(`MongoDB: ${error.message}`, { cause: error })
  if (!(error instanceof MongoError)) return error
  if (error instanceof MongoCompatibilityError) {
    return new StoreFormatError(`MongoDB: ${error.message}`, { cause: error })
  }
  if (isOursToMend(error)) return error
  const text = `MongoDB: ${error.message}`
  return isFull(error) ? new StoreFullError(text, { cause: error }) : new StoreUnavailableError(text, { cause: error })
}

/** Whether an insertion failed because a document of this key is there. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKey
}

// The driver does not wrap what Node says of a socket that the other side ended just before it was written to.
function isLostConnection(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof MongoError || !('code' in error)) return false
  return typeof error.code === 'string' && /^(E(?!RR_)[A-Z_0-9]+|ERR_(STREAM|SOCKET)_\w+)$/.test(error.code)
}

// Of the driver's own complaints those about a lost connection come and go; the others are wrong calls or addresses.
function isOursToMend(error: MongoError): boolean {
  if (error instanceof MongoParseError) return true
  const comesAndGoes =
    error instanceof MongoNotConnectedError ||
    error instanceof MongoTopologyClosedError ||
    error instanceof MongoServerClosedError
  return error instanceof MongoAPIError && !comesAndGoes
}

function isFull(error: MongoError): boolean {
  // One in bulk says by its code only what the first document met.
  const each = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : []
  return [error, ...each].some(({ code }) => code === outOfDiskSpace)
}

// Codes of MongoDB's src/mongo/base/error_codes.yml.
const duplicateKey = 11_000
const outOfDiskSpace = 14_031
