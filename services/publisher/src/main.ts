import { run } from '@hutong/service'
import { publisherConfig } from './config.ts'
import { startPublisher } from './context.ts'

await run('publisher', ({ log }) => startPublisher(publisherConfig(process.env), log))
