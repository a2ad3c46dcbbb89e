import {
  MongoBulkWriteError,
  MongoCompatibilityError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoParseError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb'
import { describe, expect, it } from 'vitest'
import { StoreFormatError, StoreFullError, StoreUnavailableError } from './errors.ts'
import { within } from './mongo-clients.ts'
import { storeErrorFromMongo } from './mongo-errors.ts'

describe('a failure of MongoDB', () => {
  // Codes as MongoDB's manual lists them.
  it.each([
    ['no space on its disk (14031)', serverError(14_031), StoreFullError],
    ['no space for the second of many (14031)', bulkError([11_000, 14_031]), StoreFullError],
    ['no primary any more (10107)', serverError(10_107), StoreUnavailableError],
    ['a majority that did not confirm in time (64)', serverError(64), StoreUnavailableError],
    ['a user without rights (13)', serverError(13), StoreUnavailableError],
    ['a lost connection', new MongoNetworkError('connection closed'), StoreUnavailableError],
    ['a socket that the other side ended', nodeError('EPIPE'), StoreUnavailableError],
    ['a socket that was torn down', nodeError('ERR_STREAM_DESTROYED'), StoreUnavailableError],
    ['a connection that never came about', new MongoTopologyClosedError(), StoreUnavailableError],
    ['a server too old for the driver', new MongoCompatibilityError('wire version 6'), StoreFormatError],
  ])('%s asks for its reaction, and the cause is kept', (_, error, reaction) => {
    const failure = storeErrorFromMongo(error)
    expect(failure).toBeInstanceOf(reaction)
    expect(failure).toMatchObject({ cause: error })
  })

  it.each([
    ['a wrong call of ours', new MongoInvalidArgumentError('no such option')],
    ['an address that is none', new MongoParseError('no such scheme')],
    ['a document too large for the driver', new RangeError('offset is out of bounds')],
    ['a number that Node refuses', nodeError('ERR_OUT_OF_RANGE')],
    ['what is one of the port already', new StoreFullError('no space')],
  ])('%s stays what it is', (_, error) => {
    expect(storeErrorFromMongo(error)).toBe(error)
  })
})

describe('a call with a limit', () => {
  it('that nobody answers is unavailable, and says what was asked', async () => {
    const never = new Promise(() => undefined)
    await expect(within(1, 'get', never)).rejects.toThrow(
      new StoreUnavailableError('get: MongoDB gave no answer within 1 ms'),
    )
  })

  it('that is answered or refused in time is just that', async () => {
    await expect(within(30_000, 'get', Promise.resolve(7))).resolves.toBe(7)
    await expect(within(30_000, 'get', Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError)
  })
})

function serverError(code: number): MongoServerError {
  return new MongoServerError({ message: 'as the server says', code })
}

function nodeError(code: string): Error {
  return Object.assign(new Error('as Node says'), { code })
}

function bulkError(codes: readonly number[]): MongoBulkWriteError {
  const failure = new MongoBulkWriteError({ message: 'as the server says', code: codes[0]! }, {} as never)
  failure.writeErrors = codes.map((code) => ({ code })) as never
  return failure
}
