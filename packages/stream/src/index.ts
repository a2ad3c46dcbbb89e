export {
  StreamBrokenError,
  StreamClosedError,
  StreamFormatError,
  StreamFullError,
  StreamRewoundError,
  StreamUnavailableError,
} from './errors.ts'
export { createLocalStream, type LocalStreamOptions } from './local-stream.ts'
export { createMemoryStream, type MemoryStreamOptions } from './memory-stream.ts'
export {
  appendBytesMax,
  batchBytesMax,
  type RetainingStream,
  recordBytesMax,
  recordsPerAppendMax,
  recordsPerBatchMax,
  type Stream,
  type StreamReader,
  type StreamRecord,
  type StreamWriter,
} from './stream.ts'
