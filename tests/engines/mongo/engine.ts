import { status } from '../mongo.ts'

/** A MongoDB, or what speaks its protocol, for tests to run on; or why there is none. */
export type FoundMongo =
  | { readonly kind: 'found'; readonly uri: string; readonly label: string }
  | { readonly kind: 'absent'; readonly reason: string }

/** Starts nothing: what `HUTONG_TEST_MONGODB` names, else what `pnpm engines up` started. */
export async function findMongo(): Promise<FoundMongo> {
  const started = await status()
  const startedUri = started.kind === 'up' ? started.env.HUTONG_TEST_MONGODB : undefined
  const uri = process.env.HUTONG_TEST_MONGODB || startedUri
  if (uri === undefined) {
    return { kind: 'absent', reason: 'no MongoDB: `pnpm engines up` starts one, or HUTONG_TEST_MONGODB names one' }
  }
  const label = started.kind === 'up' && uri === startedUri ? started.label : 'the MongoDB of HUTONG_TEST_MONGODB'
  return { kind: 'found', uri, label }
}
