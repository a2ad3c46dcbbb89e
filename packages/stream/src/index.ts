export {
  StreamBrokenError,
  StreamClosedError,
  StreamFormatError,
  StreamFullError,
  StreamRewoundError,
  StreamUnavailableError,
} from './errors.ts'
export {
  batchBytesMax,
  recordBytesMax,
  recordsPerAppendMax,
  recordsPerBatchMax,
  type Stream,
  type StreamReader,
  type StreamRecord,
  type StreamWriter,
} from './stream.ts'
