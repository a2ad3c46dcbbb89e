// PublisherService as a zone serves it and as its systems call it. Messages in it are wire types: they end at the door.

export type { Published, PublishItem, PublishOutcome } from '@hutong/proto/publisher_service'
export {
  AdoptRequest,
  AdoptResponse,
  PublisherServiceClient,
  type PublisherServiceServer,
  PublisherServiceService,
  PublisherServiceStatusRequest,
  PublisherServiceStatusResponse,
  PublishRequest,
  PublishResponse,
  PublishStreamRequest,
  PublishStreamResponse,
  Stage,
} from '@hutong/proto/publisher_service'
