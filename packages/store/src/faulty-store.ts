import { StoreUnavailableError } from './errors.ts'
import type { Document, NextPosition, Position, RangeOptions, Store } from './store.ts'

/** What goes wrong with one call: what became of it, and separately what the caller hears. */
export interface StoreFault {
  /**
   * `documents`: all documents of a step, but not its position. `half`: the first half of the documents alone.
   * A call without documents knows only all and nothing; for it both of these mean nothing.
   */
  readonly happens: 'all' | 'documents' | 'half' | 'nothing'
  /** True: the caller hears success, also where nothing happened (a disk that lies). False: an exception. */
  readonly reported: boolean
  /** The exception; a StoreUnavailableError when absent. */
  readonly error?: Error
}

export interface StoreCall {
  readonly method:
    | 'insert'
    | 'movePosition'
    | 'step'
    | 'delete'
    | 'deleteBySubject'
    | 'position'
    | 'get'
    | 'getMany'
    | 'range'
  /** How many calls of the store came before this one, whatever their method. */
  readonly number: number
}

/** Undefined: the call goes well. */
export type StoreFaultPlan = (call: StoreCall) => StoreFault | undefined

/**
 * For tests: `store`, with the faults of `plan` (faults X1, X2, X6, X19). Disposal disposes `store` and never fails.
 * It always offers `step`, also over a store that does not.
 */
export function createFaultyStore(store: Store, plan: StoreFaultPlan): Store {
  let calls = 0

  async function run<T>(method: StoreCall['method'], attempt: Attempt<T>): Promise<T> {
    const fault = plan({ method, number: calls++ })
    if (!fault) return attempt.all()
    const answer = fault.happens === 'all' ? await attempt.all() : await part(fault.happens, attempt)
    if (!fault.reported) throw fault.error ?? new StoreUnavailableError(`a fault was planned for this ${method}`)
    return answer
  }

  return {
    insert: (documents) =>
      run('insert', {
        all: () => store.insert(documents),
        documents: () => store.insert(documents),
        half: () => store.insert(firstHalf(documents)),
        success: undefined,
      }),
    step: (documents, name, expectedVersion, next) =>
      run('step', {
        all: async () => {
          await store.insert(documents)
          return store.movePosition(name, expectedVersion, next)
        },
        documents: () => store.insert(documents),
        half: () => store.insert(firstHalf(documents)),
        success: true,
      }),
    movePosition: (name: string, expectedVersion: bigint | undefined, next: NextPosition) =>
      run('movePosition', { all: () => store.movePosition(name, expectedVersion, next), success: true }),
    delete: (collection: string, keys: readonly string[]) =>
      run('delete', { all: () => store.delete(collection, keys), success: undefined }),
    deleteBySubject: (subject: string) =>
      run('deleteBySubject', { all: () => store.deleteBySubject(subject), success: 0 }),
    position: (name: string) =>
      run<Position | undefined>('position', { all: () => store.position(name), success: undefined }),
    get: (collection: string, key: string) =>
      run<Document | undefined>('get', { all: () => store.get(collection, key), success: undefined }),
    getMany: (collection: string, keys: readonly string[]) =>
      run<ReadonlyMap<string, Document>>('getMany', { all: () => store.getMany(collection, keys), success: new Map() }),
    range: (collection: string, options: RangeOptions) =>
      run<readonly Document[]>('range', { all: () => store.range(collection, options), success: [] }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

interface Attempt<T> {
  all(): Promise<T>
  documents?(): Promise<void>
  half?(): Promise<void>
  /** What success would have answered, for a call that did not happen. */
  readonly success: T
}

async function part<T>(happens: 'documents' | 'half' | 'nothing', attempt: Attempt<T>): Promise<T> {
  if (happens !== 'nothing') await attempt[happens]?.()
  return attempt.success
}

function firstHalf(documents: readonly Document[]): readonly Document[] {
  return documents.slice(0, Math.ceil(documents.length / 2))
}
