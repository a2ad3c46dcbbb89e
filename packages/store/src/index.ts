export {
  StaleWriterError,
  StoreBrokenError,
  StoreClosedError,
  StoreFormatError,
  StoreFullError,
  StoreUnavailableError,
} from './errors.ts'
export { createMemoryStore } from './memory-store.ts'
export { createSqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
export { keyFromIndex, raiseTerm, step } from './step.ts'
export {
  collectionLengthMax,
  type Document,
  documentsPerCallMax,
  keyBytesMax,
  type NextPosition,
  type Position,
  type RangeOptions,
  type Store,
  subjectLengthMax,
  termMax,
  valueBytesMax,
} from './store.ts'
