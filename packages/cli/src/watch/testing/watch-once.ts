import { importFile } from '../../import/import-file.ts'
import { KeptPublisher } from '../../import/testing/kept-publisher.ts'
import { watchFolder } from '../watch-folder.ts'

// A watcher in a process of its own: watch-once.ts FOLDER PUBLISHED [STEP]. It kills itself at the step, as a power cut would.
const [folder, published, deadlyStep] = process.argv.slice(2) as [string, string, string?]
const publisher = new KeptPublisher(published)
const options = { choice: { kind: 'field', name: 'KZ_ZONE' }, mode: 'publish', waitFor: 'sealed' } as const
await watchFolder(
  folder,
  { settleMs: 0, pollMs: 1, once: true },
  {
    importFile: (path, kept) =>
      importFile(path, { ...options, ...kept, mayReplaceTable: true, isLinkAllowed: false }, publisher.surroundings()),
    monotonicMs: () => performance.now(),
    pause: async () => {},
    signal: new AbortController().signal,
    tell: () => {},
    reached: (step) => {
      if (step === deadlyStep) process.kill(process.pid, 'SIGKILL')
    },
  },
)
