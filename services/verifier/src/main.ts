import { run } from '@hutong/service'
import { verifierConfig } from './config.ts'
import { runVerifier } from './context.ts'

// A zone's verifier in a process of its own. Its settings are named in config.ts.
await run('verifier', ({ log }) => runVerifier(verifierConfig(process.env), log))
