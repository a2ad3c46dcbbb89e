import type { Charter } from './charter.ts'
import type {
  LicenceAmended,
  LicenceCorrected,
  LicenceIssued,
  LicenceRenewed,
  LicenceResumed,
  LicenceRevoked,
  LicenceSuspended,
  Observed,
  RecognitionDeclared,
  RecognitionWithdrawn,
  Restated,
} from './event.ts'

// Invented events for the tests of this room. The identifier is a published example; its subject is what stands before
// version and check character.

const identifier = '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.001.E'
const authority = '11110000000021135M'

export const issued: LicenceIssued = {
  kind: 'licence_issued',
  identifier,
  authority,
  authorityName: '示范行政审批局',
  licenceType: '11100000000013338W011',
  name: '建筑施工企业安全生产许可证',
  number: '110115-2025-000001',
  issuedOn: '2025-03-01',
  holder: { name: '示范建筑工程有限公司', code: '91370406L24894136J', codeType: '001' },
  validFrom: '2025-03-01',
  validUntil: '2028-02-29',
  extensions: [{ name: 'KZ_ZONE', value: 'beijing' }],
  files: [
    {
      sha256: new Uint8Array(32).fill(1),
      sm3: new Uint8Array(32).fill(2),
      sizeBytes: 4096n,
      mediaType: 'application/ofd',
    },
  ],
  demonstration: false,
}

export const suspended: LicenceSuspended = {
  kind: 'licence_suspended',
  identifier,
  authority,
  reason: '安全生产事故调查',
  decidedOn: '2026-01-10',
}

export const resumed: LicenceResumed = { ...suspended, kind: 'licence_resumed', reason: '整改完成', decidedOn: '' }

export const revoked: LicenceRevoked = {
  kind: 'licence_revoked',
  identifier,
  authority,
  manner: 'penalty',
  reason: '',
  decidedOn: '2026-02-01',
}

/** Version 002 of the same licence; its check character was computed outside this code. */
export const amended: LicenceAmended = {
  kind: 'licence_amended',
  licence: {
    ...issued,
    identifier: '1.2.156.3005.2.11100000000013338W011.11110000000021135M.20250000001.002.C',
    holder: { ...issued.holder, name: '示范建筑工程集团有限公司' },
    issuedOn: '2026-03-01',
  },
  supersedes: identifier,
  reason: '企业更名',
  decidedOn: '2026-03-01',
}

export const renewed: LicenceRenewed = {
  kind: 'licence_renewed',
  identifier,
  authority,
  validUntil: '2031-02-28',
  files: [],
  reason: '延续三年',
  decidedOn: '2028-01-15',
}

export const corrected: LicenceCorrected = {
  kind: 'licence_corrected',
  licence: { ...issued, number: '110115-2025-000010' },
  reason: '编号笔误',
  decidedOn: '',
}

export const declared: RecognitionDeclared = {
  kind: 'recognition_declared',
  declarationId: 'tianjin-safety-1',
  version: 1,
  licenceType: '11100000000013338W011',
  issuingZones: ['beijing', 'langfang'],
  matters: ['KSTB-001', 'KSTB-002'],
  mode: 'cross_province',
  effectiveFromMs: 1_800_000_000_000,
  effectiveUntilMs: 1_900_000_000_000,
  fields: ['holder_name'],
  legalBasis: '示范互认协议第三条',
}

export const withdrawn: RecognitionWithdrawn = {
  kind: 'recognition_withdrawn',
  declarationId: 'tianjin-safety-1',
  version: 2,
  effectiveFromMs: undefined,
  reason: '协议终止',
}

export const restated: Restated = {
  kind: 'restated',
  about: { kind: 'licence', identifier },
  index: 7n,
  leafHash: new Uint8Array(32).fill(3),
}

export const observed: Observed = { kind: 'observed', head: new Uint8Array(0) }

/** Two zones; `beijing` holds the authority of `issued` and may issue its type alone. */
export const charter: Charter = {
  number: 0n,
  previousSha256: new Uint8Array(0),
  alliance: 'example.hutong.example',
  nameZh: '示范联盟',
  nameEn: 'Example alliance',
  demonstration: false,
  zones: [
    {
      id: 'beijing',
      nameZh: '北京',
      nameEn: 'Beijing',
      region: '110115',
      certificateAuthorities: [],
      authorities: [
        {
          code: authority,
          nameZh: '示范行政审批局',
          nameEn: 'Example bureau',
          contact: undefined,
          licenceTypes: ['11100000000013338W011'],
        },
      ],
    },
    {
      id: 'hefei',
      nameZh: '合肥',
      nameEn: 'Hefei',
      region: '340100',
      certificateAuthorities: [],
      authorities: [
        {
          code: '11330105002500287C',
          nameZh: '示范二局',
          nameEn: 'Second example bureau',
          contact: undefined,
          licenceTypes: ['11100000MB03271699022'],
        },
      ],
    },
  ],
  logs: [],
  keys: [],
  witnessPolicy: '',
  auditors: [],
  adminThreshold: 1,
  heartbeatMs: 60_000,
  maxClockOffsetMs: 60_000,
  freshMs: 300_000,
  usableMs: 86_400_000,
  declarationLeadMs: 0,
  declarationMinimumMs: 0,
}
