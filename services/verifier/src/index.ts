export {
  createVerifierService,
  noticesCounted,
  type VerifierService,
  type VerifierServiceOptions,
} from './context.ts'
export { DocumentDamagedError } from './documents.ts'
export { AnotherWriterError } from './follower.ts'
export type { Hub, OwnPublisher, WitnessAnswer, WitnessLine } from './peers.ts'
export { verifierServiceRoles } from './routes.ts'
export { defaultSettings, type VerifierSettings } from './settings.ts'
export type { Verifier } from './verifier.ts'
