import { status } from '../kafka.ts'

/** A Kafka for tests to run on; or why there is none. */
export type FoundKafka =
  | { readonly kind: 'found'; readonly broker: string; readonly label: string }
  | { readonly kind: 'absent'; readonly reason: string }

/** Starts nothing: what `HUTONG_TEST_KAFKA` names, else what `pnpm engines up` started. */
export async function findKafka(): Promise<FoundKafka> {
  const started = await status()
  const startedBroker = started.kind === 'up' ? started.env.HUTONG_TEST_KAFKA : undefined
  const broker = process.env.HUTONG_TEST_KAFKA || startedBroker
  if (broker === undefined) {
    return { kind: 'absent', reason: 'no Kafka: `pnpm engines up` starts one, or HUTONG_TEST_KAFKA names one' }
  }
  const label = started.kind === 'up' && broker === startedBroker ? started.label : 'the Kafka of HUTONG_TEST_KAFKA'
  return { kind: 'found', broker, label }
}
