import { describeStreamContract } from './contract.ts'
import { createMemoryStream } from './memory-stream.ts'

describeStreamContract('the memory stream', async () => {
  const stream = createMemoryStream({ id: 'memory', now: () => 1000 })
  return {
    stream,
    forgetAll: async () => void (await stream.trim(1001)),
    reopen: { impossible: 'it keeps nothing beyond its own life, by design' },
    dispose: async () => stream[Symbol.asyncDispose](),
  }
})
