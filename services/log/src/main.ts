import { run } from '@hutong/service'
import { logConfigFrom } from './config.ts'
import { startLogProcess } from './context.ts'

await run('log', ({ log }) => startLogProcess(logConfigFrom(process.env), log))
