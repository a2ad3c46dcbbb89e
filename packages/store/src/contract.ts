import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StaleWriterError, StoreClosedError } from './errors.ts'
import { raiseTerm, step } from './step.ts'
import { type Document, documentsPerCallMax, type Store, valueBytesMax } from './store.ts'

/** A store under test and what only its adapter knows. */
export interface StoreUnderTest {
  readonly store: Store
  /** Closes the store and opens the same content anew; or why this adapter cannot. */
  readonly reopen: (() => Promise<Store>) | { readonly impossible: string }
  dispose(): Promise<void>
}

/** The definition of a store: every adapter passes all of it, and may leave out only what it gives a reason for. */
export function describeStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let underTest: StoreUnderTest
    let store: Store

    beforeEach(async () => {
      underTest = await open()
      store = underTest.store
    })
    afterEach(() => underTest.dispose())

    describe('documents', () => {
      it('what was inserted is found under its key, with term, value and subject', async () => {
        await store.insert([document('a', { value: 'one', term: 7n, subject: 'ab01' }), document('b')])
        expect(plain(await store.get('events', 'a'))).toEqual({ key: 'a', term: 7n, value: 'one', subject: 'ab01' })
        expect(plain(await store.get('events', 'b'))).toEqual({ key: 'b', term: 1n, value: 'b' })
      })

      it('an absent key and a collection nobody wrote to are empty', async () => {
        await store.insert([document('a')])
        expect(await store.get('events', 'b')).toBeUndefined()
        expect(await store.get('others', 'a')).toBeUndefined()
        expect(await store.range('others', { limit: 10 })).toEqual([])
        expect((await store.getMany('others', ['a'])).size).toBe(0)
        expect(await store.deleteBySubject('ab')).toBe(0)
        await expect(store.delete('others', ['a'])).resolves.toBeUndefined()
      })

      it('the same document again is a quiet success', async () => {
        await store.insert([document('a', { subject: 'ab' })])
        await store.insert([document('a', { subject: 'ab' }), document('b')])
        expect(await keysOf(store)).toEqual(['a', 'b'])
      })

      it('other content of a smaller term is replaced', async () => {
        await store.insert([document('a', { value: 'left by a dead writer', term: 1n, subject: 'ab' })])
        await store.insert([document('a', { value: 'new', term: 2n })])
        expect(plain(await store.get('events', 'a'))).toEqual({ key: 'a', term: 2n, value: 'new' })
        expect(await store.deleteBySubject('ab')).toBe(0)
      })

      it.each([
        ['the same term', 5n],
        ['a smaller term than what lies there', 4n],
      ])('other content under %s is refused and named', async (_, term) => {
        await store.insert([document('a', { value: 'first', term: 5n })])
        const refusal = await failureOf(store.insert([document('a', { value: 'second', term })]))
        expect(refusal).toBeInstanceOf(StaleWriterError)
        expect(refusal).toMatchObject({ place: 'events/a', storedTerm: 5n })
        expect(plain(await store.get('events', 'a'))).toMatchObject({ value: 'first', term: 5n })
      })

      it('the same value about another subject is other content', async () => {
        await store.insert([document('a', { subject: 'ab' })])
        expect(await failureOf(store.insert([document('a', { subject: 'cd' })]))).toBeInstanceOf(StaleWriterError)
        expect(await failureOf(store.insert([document('a')]))).toBeInstanceOf(StaleWriterError)
      })

      it('an equal document raises the term, so that a writer of a term in between cannot replace it', async () => {
        await store.insert([document('a', { value: 'agreed', term: 1n })])
        await store.insert([document('a', { value: 'agreed', term: 3n })])
        expect(await failureOf(store.insert([document('a', { value: 'late', term: 2n })]))).toBeInstanceOf(
          StaleWriterError,
        )
        expect(plain(await store.get('events', 'a'))).toMatchObject({ value: 'agreed', term: 3n })
      })

      it('an equal document of a smaller term is a quiet success and lowers nothing', async () => {
        await store.insert([document('a', { term: 3n })])
        await store.insert([document('a', { term: 2n })])
        expect(plain(await store.get('events', 'a'))).toMatchObject({ term: 3n })
      })

      it('the same key twice in one call counts as two calls', async () => {
        await store.insert([document('a'), document('a')])
        expect(await keysOf(store)).toEqual(['a'])
        expect(await failureOf(store.insert([document('b'), document('b', { value: 'other' })]))).toBeInstanceOf(
          StaleWriterError,
        )
      })

      it('collections do not see each other', async () => {
        await store.insert([document('a'), { ...document('a', { value: 'other' }), collection: 'others' }])
        expect(plain(await store.get('others', 'a'))).toMatchObject({ value: 'other' })
        await store.delete('others', ['a'])
        expect(await keysOf(store)).toEqual(['a'])
      })

      it('an empty value, a largest value and the largest term come back whole', async () => {
        const largest = new Uint8Array(valueBytesMax).fill(0xa5)
        await store.insert([
          { collection: 'events', key: 'empty', term: 0n, value: new Uint8Array() },
          { collection: 'events', key: 'large', term: 9223372036854775807n, value: largest },
        ])
        expect((await store.get('events', 'empty'))?.value).toEqual(new Uint8Array())
        const found = await store.get('events', 'large')
        expect(found?.term).toBe(9223372036854775807n)
        expect(Buffer.compare(found?.value ?? new Uint8Array(), largest)).toBe(0)
      })

      it('what a caller does to its bytes afterwards changes nothing kept', async () => {
        const value = bytes('kept')
        await store.insert([{ collection: 'events', key: 'a', term: 1n, value }])
        value.fill(0)
        const found = await store.get('events', 'a')
        expect(plain(found)).toMatchObject({ value: 'kept' })
        found?.value.fill(0)
        expect(plain(await store.get('events', 'a'))).toMatchObject({ value: 'kept' })
      })

      it('nothing inserted is nothing done', async () => {
        await expect(store.insert([])).resolves.toBeUndefined()
        expect((await store.getMany('events', [])).size).toBe(0)
      })

      it('many keys are answered by key, without the absent ones', async () => {
        await store.insert([document('a'), document('b'), document('c')])
        const found = await store.getMany('events', ['c', 'missing', 'a', 'a'])
        expect([...found.keys()].sort()).toEqual(['a', 'c'])
        expect(plain(found.get('c'))).toMatchObject({ value: 'c' })
      })
    })

    describe('ranges', () => {
      beforeEach(() => store.insert(['c', 'a', 'e', 'b', 'd'].map((key) => document(key))))

      it.each([
        [{ limit: 10 }, 'abcde'],
        [{ limit: 2 }, 'ab'],
        [{ from: 'b', limit: 10 }, 'bcde'],
        [{ to: 'd', limit: 10 }, 'abc'],
        [{ from: 'b', to: 'd', limit: 10 }, 'bc'],
        [{ from: 'bb', to: 'dd', limit: 10 }, 'cd'],
        [{ reverse: true, limit: 2 }, 'ed'],
        [{ from: 'b', to: 'd', reverse: true, limit: 10 }, 'cb'],
        [{ from: 'b', to: 'e', reverse: true, limit: 1 }, 'd'],
        [{ from: 'd', to: 'b', limit: 10 }, ''],
        [{ from: 'd', to: 'b', reverse: true, limit: 10 }, ''],
        [{ from: 'c', to: 'c', limit: 10 }, ''],
        [{ from: '', to: '', limit: 10 }, ''],
        [{ from: 'f', limit: 10 }, ''],
      ])('%o is %s', async (options, keys) => {
        const found = await store.range('events', options)
        expect(found.map(({ key }) => key).join('')).toBe(keys)
      })

      it('keys are ordered by their bytes of UTF-8, not as JavaScript orders texts', async () => {
        const keys = ['\u{10000}', '\uffee', '互通', 'Z', 'z', 'é', 'e\u0301']
        await store.insert(keys.map((key) => ({ ...document(key), collection: 'texts' })))
        const found = await store.range('texts', { limit: 10 })
        // By their first bytes: 5a, 65 cc, 7a, c3, e4, ef, f0.
        expect(found.map(({ key }) => key)).toEqual(['Z', 'e\u0301', 'z', 'é', '互通', '\uffee', '\u{10000}'])
      })

      it('any keys come back once each and in the order of their bytes', async () => {
        let round = 0
        await fc.assert(
          fc.asyncProperty(fc.uniqueArray(keyOf(), { maxLength: 40 }), fc.boolean(), async (keys, reverse) => {
            const collection = `round_${'abcdefghij'.charAt(Math.floor(round / 10))}${'abcdefghij'.charAt(round++ % 10)}`
            await store.insert(keys.map((key) => ({ ...document(key), collection })))
            const expected = keys.map((key) => Buffer.from(key).toString('hex')).sort()
            const found = await store.range(collection, { limit: 100, reverse })
            const hex = found.map(({ key }) => Buffer.from(key).toString('hex'))
            expect(hex).toEqual(reverse ? expected.reverse() : expected)
          }),
          { numRuns: 30 },
        )
      })
    })

    describe('the position', () => {
      it('is undefined before the first move, then has version 1 and counts up', async () => {
        expect(await store.position('log')).toBeUndefined()
        expect(await store.movePosition('log', undefined, { term: 1n, value: bytes('a') })).toBe(true)
        expect(await store.position('log')).toEqual({ version: 1n, term: 1n, value: bytes('a') })
        expect(await store.movePosition('log', 1n, { term: 4n, value: bytes('b') })).toBe(true)
        expect(await store.position('log')).toEqual({ version: 2n, term: 4n, value: bytes('b') })
      })

      it.each([undefined, 1n, 3n])('is not moved from version %s when it stands at 2', async (expected) => {
        await store.movePosition('log', undefined, { term: 1n, value: bytes('a') })
        await store.movePosition('log', 1n, { term: 1n, value: bytes('b') })
        expect(await store.movePosition('log', expected, { term: 9n, value: bytes('c') })).toBe(false)
        expect(await store.position('log')).toEqual({ version: 2n, term: 1n, value: bytes('b') })
      })

      it('is not moved from a version when there is none', async () => {
        expect(await store.movePosition('log', 1n, { term: 1n, value: bytes('a') })).toBe(false)
        expect(await store.position('log')).toBeUndefined()
      })

      it('of two writers who read the same version one moves it', async () => {
        await store.movePosition('log', undefined, { term: 1n, value: bytes('start') })
        const moves = ['x', 'y', 'z'].map((text) => store.movePosition('log', 1n, { term: 1n, value: bytes(text) }))
        expect((await Promise.all(moves)).filter(Boolean)).toHaveLength(1)
        expect((await store.position('log'))?.version).toBe(2n)
      })

      it('has neighbours it does not touch', async () => {
        await store.movePosition('log', undefined, { term: 1n, value: bytes('a') })
        await store.movePosition('other', undefined, { term: 2n, value: bytes('b') })
        expect(await store.position('log')).toEqual({ version: 1n, term: 1n, value: bytes('a') })
      })
    })

    describe('a step', () => {
      it('is there whole after true', async () => {
        expect(await step(store, [document('a')], 'log', undefined, { term: 1n, value: bytes('1') })).toBe(true)
        expect(await step(store, [document('b')], 'log', 1n, { term: 1n, value: bytes('2') })).toBe(true)
        expect(await keysOf(store)).toEqual(['a', 'b'])
        expect((await store.position('log'))?.version).toBe(2n)
      })

      it('leaves the position alone after false', async () => {
        await store.movePosition('log', undefined, { term: 1n, value: bytes('theirs') })
        expect(await step(store, [document('a')], 'log', undefined, { term: 1n, value: bytes('ours') })).toBe(false)
        expect(await store.position('log')).toEqual({ version: 1n, term: 1n, value: bytes('theirs') })
      })

      it('leaves the position alone when a document is refused', async () => {
        await store.insert([document('a', { value: 'theirs', term: 2n })])
        const ours = step(store, [document('a', { value: 'ours' })], 'log', undefined, { term: 1n, value: bytes('1') })
        expect(await failureOf(ours)).toBeInstanceOf(StaleWriterError)
        expect(await store.position('log')).toBeUndefined()
      })

      it('of a fenced writer never succeeds, and what it left is overwritten by the next term', async () => {
        const old = await raiseTerm(store, 'log')
        await store.insert([document('a', { value: 'left behind', term: old.term })])
        const current = await raiseTerm(store, 'log')
        expect(current).toEqual({ version: 2n, term: 2n, value: new Uint8Array() })
        const next = { term: current.term, value: bytes('1') }
        const documents = [document('a', { value: 'decided', term: current.term })]
        expect(await step(store, documents, 'log', current.version, next)).toBe(true)
        expect(await store.movePosition('log', old.version, { term: old.term, value: bytes('late') })).toBe(false)
        expect(plain(await store.get('events', 'a'))).toMatchObject({ value: 'decided', term: 2n })
      })

      it('begins with a term of 1 and the first value, and later keeps the value', async () => {
        expect(await raiseTerm(store, 'log', bytes('first'))).toEqual({ version: 1n, term: 1n, value: bytes('first') })
        expect(await raiseTerm(store, 'log', bytes('other'))).toEqual({ version: 2n, term: 2n, value: bytes('first') })
        expect(await store.position('log')).toEqual({ version: 2n, term: 2n, value: bytes('first') })
      })
    })

    describe('deletion', () => {
      it('of a subject takes all its documents out of all collections, and no other', async () => {
        await store.insert([
          document('a', { subject: 'ab' }),
          document('b', { subject: 'abcd' }),
          document('c'),
          document('d', { subject: 'ab' }),
          { ...document('a', { subject: 'ab' }), collection: 'payloads' },
        ])
        expect(await store.deleteBySubject('ab')).toBe(3)
        expect(await keysOf(store)).toEqual(['b', 'c'])
        expect(await store.get('payloads', 'a')).toBeUndefined()
        expect(await store.deleteBySubject('ab')).toBe(0)
      })

      it('of keys takes these, and passes over absent ones', async () => {
        await store.insert([document('a'), document('b'), document('c')])
        await store.delete('events', ['a', 'missing', 'c'])
        expect(await keysOf(store)).toEqual(['b'])
      })

      it('makes room for other content under the same term', async () => {
        await store.insert([document('a', { value: 'old' })])
        await store.delete('events', ['a'])
        await store.insert([document('a', { value: 'new' })])
        expect(plain(await store.get('events', 'a'))).toMatchObject({ value: 'new' })
      })
    })

    describe('misuse is refused before anything is done', () => {
      it.each([
        ['no collection', { collection: '' }],
        ['a collection with a capital', { collection: 'Events' }],
        ['a collection that is SQL', { collection: 'a; DROP TABLE positions' }],
        ['a collection of 65 letters', { collection: 'a'.repeat(65) }],
        ['an empty key', { key: '' }],
        ['a key of 513 bytes', { key: 'k'.repeat(513) }],
        ['a key of 171 characters and 513 bytes', { key: '互'.repeat(171) }],
        ['a key with U+0000', { key: 'a\u0000b' }],
        ['a key with a lone surrogate', { key: 'a\ud800' }],
        ['a negative term', { term: -1n }],
        ['a term of 2^63', { term: 2n ** 63n }],
        ['a value one byte too long', { value: new Uint8Array(valueBytesMax + 1) }],
        ['a subject in capitals', { subject: 'AB' }],
        ['a subject of half a byte', { subject: 'abc' }],
        ['an empty subject', { subject: '' }],
      ])('%s', async (_, wrong: Partial<Document>) => {
        expect(await failureOf(store.insert([document('good'), { ...document('bad'), ...wrong }]))).toBeInstanceOf(
          RangeError,
        )
        expect(await store.get('events', 'good')).toBeUndefined()
      })

      it('a key of exactly 512 bytes is none', async () => {
        const key = `${'互'.repeat(170)}ab`
        await store.insert([document(key)])
        expect((await store.get('events', key))?.key).toBe(key)
      })

      it.each([0, -1, 1.5, Number.NaN, documentsPerCallMax + 1])('a limit of %s', async (limit) => {
        expect(await failureOf(store.range('events', { limit }))).toBeInstanceOf(RangeError)
      })

      it('too many documents or keys in one call', async () => {
        const keys = Array.from({ length: documentsPerCallMax + 1 }, (_, index) => `k${index}`)
        expect(await failureOf(store.insert(keys.map((key) => document(key))))).toBeInstanceOf(RangeError)
        expect(await failureOf(store.getMany('events', keys))).toBeInstanceOf(RangeError)
        expect(await failureOf(store.delete('events', keys))).toBeInstanceOf(RangeError)
        expect(await keysOf(store)).toEqual([])
      })

      it('a position with a bad name, version, term or value', async () => {
        const next = { term: 1n, value: bytes('a') }
        expect(await failureOf(store.movePosition('Log', undefined, next))).toBeInstanceOf(RangeError)
        expect(await failureOf(store.movePosition('log', 0n, next))).toBeInstanceOf(RangeError)
        expect(await failureOf(store.movePosition('log', undefined, { ...next, term: -1n }))).toBeInstanceOf(RangeError)
        const large = { term: 1n, value: new Uint8Array(valueBytesMax + 1) }
        expect(await failureOf(store.movePosition('log', undefined, large))).toBeInstanceOf(RangeError)
        expect(await store.position('log')).toBeUndefined()
      })
    })

    it('whatever calls are made, in whatever order, it answers as a plain list of documents would', async () => {
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(callOf(), { maxLength: 30 }), async (calls) => {
          const collection = `model_${'abcdefghij'.charAt(Math.floor(round / 10))}${'abcdefghij'.charAt(round++ % 10)}`
          const model = new Map<string, Document>()
          for (const call of calls) {
            const offered = { ...document(call.key, call), collection }
            if (call.deletes) {
              await store.delete(collection, [call.key])
              model.delete(call.key)
              continue
            }
            const stored = model.get(call.key)
            const failure = await failureOf(store.insert([offered]))
            const stale = stored && stored.term >= call.term && text(stored.value) !== call.value
            expect(failure instanceof StaleWriterError).toBe(stale ?? false)
            if (!stored || stored.term < call.term) model.set(call.key, offered)
          }
          const found = await store.range(collection, { limit: 100 })
          const expected = [...model.values()].sort((left, right) => (left.key < right.key ? -1 : 1))
          expect(found.map(plain)).toEqual(expected.map(plain))
        }),
        { numRuns: 50 },
      )
    })

    it('after disposal every call is refused, and disposing again is quiet', async () => {
      await store.insert([document('a')])
      await store[Symbol.asyncDispose]()
      await expect(store[Symbol.asyncDispose]()).resolves.toBeUndefined()
      const calls = [
        store.insert([document('b')]),
        store.position('log'),
        store.movePosition('log', undefined, { term: 1n, value: bytes('a') }),
        step(store, [], 'log', undefined, { term: 1n, value: bytes('a') }),
        store.get('events', 'a'),
        store.getMany('events', ['a']),
        store.range('events', { limit: 1 }),
        store.deleteBySubject('ab'),
        store.delete('events', ['a']),
      ]
      for (const failure of await Promise.all(calls.map(failureOf))) expect(failure).toBeInstanceOf(StoreClosedError)
    })

    it('opened anew it holds what it held', async (ctx) => {
      if (typeof underTest.reopen !== 'function') ctx.skip(`${name}: ${underTest.reopen.impossible}`)
      else {
        await step(store, [document('a', { subject: 'ab' })], 'log', undefined, { term: 3n, value: bytes('1') })
        await store.insert([document('b'), document('c', { subject: 'cd' })])
        await store.deleteBySubject('cd')
        const again = await underTest.reopen()
        expect((await again.range('events', { limit: 10 })).map(plain)).toEqual([
          { key: 'a', term: 1n, value: 'a', subject: 'ab' },
          { key: 'b', term: 1n, value: 'b' },
        ])
        expect(await again.position('log')).toEqual({ version: 1n, term: 3n, value: bytes('1') })
        expect(await again.movePosition('log', 1n, { term: 4n, value: bytes('2') })).toBe(true)
      }
    })
  })
}

function document(key: string, more: { value?: string; term?: bigint; subject?: string } = {}): Document {
  const { value = key, term = 1n, subject } = more
  const bare = { collection: 'events', key, term, value: bytes(value) }
  return subject === undefined ? bare : { ...bare, subject }
}

function plain(document: Document | undefined): object | undefined {
  if (!document) return undefined
  const { key, term, value, subject } = document
  return subject === undefined ? { key, term, value: text(value) } : { key, term, value: text(value), subject }
}

async function keysOf(store: Store): Promise<string[]> {
  return (await store.range('events', { limit: 100 })).map(({ key }) => key)
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return undefined
  } catch (error) {
    return error
  }
}

function bytes(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content))
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString()
}

function keyOf(): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((key) => !key.includes('\u0000'))
}

function callOf(): fc.Arbitrary<{ key: string; value: string; term: bigint; deletes: boolean }> {
  return fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.constantFrom('x', 'y'),
    term: fc.bigInt({ min: 0n, max: 3n }),
    deletes: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
  })
}
