// VerifierService as a zone serves it and as its own services call it. Messages in it are wire types: they end at the door.

export type { HistoryEvent, LicenceEventBytes, MatrixRow, SubjectZones, ZoneAge } from '@hutong/proto/verifier_service'
export {
  DigestRequest,
  DigestResponse,
  HistoryRequest,
  HistoryResponse,
  LicenceEventsRequest,
  LicenceEventsResponse,
  MatrixRequest,
  MatrixResponse,
  SubjectsRequest,
  SubjectsResponse,
  VerifierServiceClient,
  VerifierServiceReadRequest,
  VerifierServiceReadResponse,
  type VerifierServiceServer,
  VerifierServiceService,
  VerifierServiceStatusRequest,
  VerifierServiceStatusResponse,
  VerifyRequest,
  VerifyResponse,
} from '@hutong/proto/verifier_service'
