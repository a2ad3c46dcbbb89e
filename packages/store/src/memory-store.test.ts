import { describeStoreContract } from './contract.ts'
import { createMemoryStore } from './memory-store.ts'

describeStoreContract('the memory store', async () => {
  const store = createMemoryStore()
  return {
    store,
    reopen: { impossible: 'it keeps nothing beyond its own life, by design' },
    dispose: async () => store[Symbol.asyncDispose](),
  }
})
