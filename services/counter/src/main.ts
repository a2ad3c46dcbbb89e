import { run } from '@hutong/service'
import { counterConfig } from './config.ts'
import { runCounter } from './context.ts'

// A zone's counter in a process of its own. Its settings are named in config.ts.
await run('counter', ({ log }) => runCounter(counterConfig(process.env), log))
