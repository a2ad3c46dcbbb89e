export type { Adoption } from './adopt.ts'
export { type PublisherConfig, publisherConfig } from './config.ts'
export {
  createPublisherService,
  PublisherMismatchError,
  type PublisherService,
  type PublisherServiceOptions,
  startPublisher,
} from './context.ts'
export type { Client } from './judge-request.ts'
export type { Outcome, PublishAnswer, Publisher, PublisherStatus, PublishOrder } from './publisher.ts'
export type { Stage } from './receipts.ts'
export { publisherServiceRoles } from './routes.ts'
export { type Authorities, defaultSettings, type PublisherSettings } from './settings.ts'
export { AnotherWriterError } from './zone-log.ts'
