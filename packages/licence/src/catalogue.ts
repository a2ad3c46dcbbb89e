/** What a clerk or a programmer can do next. Each text is complete: names and telephones stand beside it as the contact. */
export const nextSteps = {
  none: { zh: '', en: '' },
  ask_authority: {
    zh: '请向颁发机构核实（电话与办公时间见联系方式）。',
    en: 'Ask the issuing authority (telephone and hours are given as its contact).',
  },
  ask_holder: {
    zh: '请持证人出示现行证照或重新核对，仍有疑问时请向颁发机构核实。',
    en: 'Ask the holder for the current licence or check again; if in doubt ask the issuing authority.',
  },
  ask_zone: {
    zh: '请向颁发区核实；问题由颁发区处理。',
    en: 'Ask the issuing zone; it is the one that can settle this.',
  },
  ask_operator: {
    zh: '请联系本区运维人员。',
    en: 'Ask the operator of this zone.',
  },
  own_procedure: {
    zh: '请按本区规定的普通程序办理。',
    en: "Handle the case by this zone's ordinary procedure.",
  },
  present_file: {
    zh: '如需核验印章，请持证人出示电子证照文件。',
    en: 'To have the seal checked, ask the holder for the licence file.',
  },
  try_later: {
    zh: '请稍后重试；若持续出现，请联系本区运维人员。',
    en: 'Try again in a little while; if it persists, ask the operator of this zone.',
  },
  correct_identifier: {
    zh: '请逐字核对证照标识后重新输入。',
    en: 'Compare the licence identifier character by character and enter it again.',
  },
  correct_request: {
    zh: '请更正后重新提交。',
    en: 'Correct it and submit it again.',
  },
  look_up_state: {
    zh: '请先查询证照或声明的现状，再提交。',
    en: 'Look up the present state of the licence or declaration first, then submit.',
  },
  ask_alliance: {
    zh: '请联系联盟管理方。',
    en: 'Ask the administrators of the alliance.',
  },
} as const

export type NextStep = keyof typeof nextSteps

/**
 * Every code that a person may read, with its sentence; {…} are parameters of `sentence`. A code is stable for ever:
 * verdicts are kept with it. The reasons of a verdict follow docs/words.md.
 */
export const catalogue = {
  // A verdict's reasons.
  PAYLOAD_OPENS: { zh: '内容与登记一致', en: 'content matches what was logged', next: 'none' },
  FILE_DIFFERS: {
    zh: '文件与登记的证照文件不一致',
    en: 'the file is not the one that was logged',
    next: 'ask_holder',
  },
  PAYLOAD_MISMATCH: {
    zh: '本区保存的内容与登记不符，正在重新获取',
    en: 'the stored content does not match; fetching it again',
    next: 'try_later',
  },
  SIGNED: { zh: '由{zone}签名，密钥在用', en: 'signed by {zone} with a key in force', next: 'none' },
  NOT_SIGNED: {
    zh: '没有{zone}可核验的签名',
    en: 'no signature of {zone} by a key accepted at that position',
    next: 'ask_zone',
  },
  KEY_COMPROMISED: {
    zh: '{zone}的密钥已泄露，此后事件待重新确认',
    en: "{zone}'s key was compromised; later events wait to be restated",
    next: 'ask_zone',
  },
  MAY_ISSUE: { zh: '{authority}有权颁发此类证照', en: '{authority} may issue this type', next: 'none' },
  MAY_NOT_ISSUE: {
    zh: '{authority}无权颁发此类证照',
    en: '{authority} may not issue this type',
    next: 'ask_authority',
  },
  NOT_PRESENTED: { zh: '未出示证照文件', en: 'no file presented', next: 'present_file' },
  SEAL_STANDS: { zh: '印章与签章成立', en: 'seal and sealing stand', next: 'none' },
  SEALING_TIME_CLAIMED: {
    zh: '签章时间为签章者自称',
    en: "the sealing time is the signer's word",
    next: 'none',
  },
  UNSIGNED: { zh: '文件没有签章', en: 'the file carries no seal', next: 'ask_holder' },
  ALTERED: { zh: '签章后文件被改动：{part}', en: 'altered after sealing: {part}', next: 'ask_authority' },
  SEAL_IMPOSTOR: {
    zh: '冒名印章：与登记的同名印章不同',
    en: 'a seal that only bears the name of a registered one',
    next: 'ask_authority',
  },
  SEAL_OF_ANOTHER_AUTHORITY: {
    zh: '印章不属于颁发机构',
    en: "the seal is another authority's",
    next: 'ask_authority',
  },
  CA_UNKNOWN: {
    zh: '无法核验印章证书的签发者',
    en: "the certificate's issuer is not known here",
    next: 'ask_authority',
  },
  CA_KEY_UNKNOWN: {
    zh: '无法核验印章证书签发者的密钥',
    en: "the key of the certificate's issuer is not known here",
    next: 'ask_authority',
  },
  PACKAGE_REFUSED: {
    zh: '文件结构异常，拒绝解析',
    en: 'refused: hostile package',
    next: 'ask_holder',
  },
  ALGORITHM_FORBIDDEN: {
    zh: '使用了不允许的算法',
    en: 'refused: forbidden algorithm',
    next: 'ask_authority',
  },
  IN_FORCE: { zh: '状态正常', en: 'in force', next: 'none' },
  REVOKED: { zh: '已{manner}', en: 'revoked: {manner}', next: 'ask_authority' },
  SUSPENDED: { zh: '暂扣中', en: 'suspended', next: 'ask_authority' },
  EXPIRED: { zh: '已过期', en: 'expired', next: 'ask_holder' },
  NOT_YET_VALID: { zh: '尚未生效', en: 'not yet valid', next: 'ask_holder' },
  SUPERSEDED: { zh: '已有新版本', en: 'superseded', next: 'ask_holder' },
  TRANSFERRED: { zh: '已转出', en: 'transferred', next: 'ask_holder' },
  TRANSFER_OPEN: { zh: '正在办理转出', en: 'a transfer is open', next: 'ask_authority' },
  EVENT_UNREADABLE: { zh: '有一条记录无法读取', en: 'an event cannot be read', next: 'try_later' },
  EVENT_NOT_UNDERSTOOD: {
    zh: '有一条记录本系统尚不认识',
    en: 'an event is not understood',
    next: 'ask_operator',
  },
  ADVERSE_EVENT_REFUSED: {
    zh: '有一条不利记录格式有误，待颁发区澄清',
    en: 'an adverse event was refused and awaits its zone',
    next: 'ask_zone',
  },
  WITNESSED: {
    zh: '已由{q}区见证，数据截至{time}',
    en: 'witnessed by {q} zones, data as of {time}',
    next: 'none',
  },
  NOT_WITNESSED: { zh: '尚未见证', en: 'not witnessed yet', next: 'try_later' },
  TOO_OLD: { zh: '数据过旧', en: 'too old', next: 'try_later' },
  HUB_FAULT: { zh: '枢纽记录自相矛盾', en: 'the hub contradicts itself', next: 'ask_operator' },
  CHARTER_WITHHELD: { zh: '章程变更被扣留', en: 'a charter is withheld', next: 'ask_operator' },
  RECOGNISED: {
    zh: '依{declaration}在此事项互认',
    en: 'recognised here for this matter by {declaration}',
    next: 'none',
  },
  OWN_ZONE: { zh: '本区证照', en: "this zone's own", next: 'none' },
  NOT_DECLARED: { zh: '本区未就此事项声明互认', en: 'not declared here for this matter', next: 'own_procedure' },
  NOT_IN_FORCE: {
    zh: '互认声明未生效或已失效',
    en: 'not in force',
    next: 'own_procedure',
  },
  DEMONSTRATION: { zh: '演示证照', en: 'a demonstration document', next: 'own_procedure' },
  HOLDER_MATCHES: { zh: '与持证主体一致', en: 'the holder is the one presented', next: 'none' },
  HOLDER_DIFFERS: { zh: '与持证主体不一致', en: 'the holder is not the one presented', next: 'ask_holder' },
  HOLDER_NOT_GIVEN: { zh: '未提供持证主体代码', en: 'no holder number given', next: 'none' },
  NOT_IN_LOG: {
    zh: '{zone}的记录中没有此证照',
    en: "{zone}'s log has no such licence",
    next: 'correct_identifier',
  },
  ZONE_NOT_MEMBER: {
    zh: '颁发机构不属于联盟',
    en: 'the authority is not in the alliance',
    next: 'own_procedure',
  },
  STORE_AWAY: {
    zh: '本区查验数据暂时无法读取',
    en: "this zone's verified copy cannot be read at the moment",
    next: 'try_later',
  },
  VERIFIER_AWAY: {
    zh: '本区查验服务暂时无法连接',
    en: "this zone's verifier cannot be reached at the moment",
    next: 'try_later',
  },
  NOT_CHECKED: { zh: '此项未能核验', en: 'this could not be checked', next: 'try_later' },
  STANDS: { zh: '事件成立', en: 'the event stands', next: 'none' },

  // What is wrong with the form of an event.
  MISSING_IDENTIFIER: { zh: '缺少证照标识', en: 'the licence identifier is missing', next: 'correct_request' },
  MALFORMED_IDENTIFIER: {
    zh: '证照标识格式不正确：{part}',
    en: 'the licence identifier is malformed: {part}',
    next: 'correct_identifier',
  },
  CHECK_CHARACTER: {
    zh: '证照标识的校验位不正确',
    en: 'the check character of the licence identifier is wrong',
    next: 'correct_identifier',
  },
  AUTHORITY_CREDIT_CODE: {
    zh: '颁发机构的统一社会信用代码不正确',
    en: "the authority's credit code is wrong",
    next: 'correct_request',
  },
  LICENCE_TYPE_CODE: {
    zh: '证照类型代码应为 21 位数字或大写字母',
    en: 'a licence type code has 21 characters of 0-9A-Z',
    next: 'correct_request',
  },
  LICENCE_TYPE_DIFFERS: {
    zh: '证照类型代码与证照标识中的不一致',
    en: 'the licence type is not the one in the identifier',
    next: 'correct_request',
  },
  MISSING_TEXT: { zh: '缺少必填项 {field}', en: '{field} is missing', next: 'correct_request' },
  TEXT_TOO_LONG: { zh: '{field} 过长', en: '{field} is too long', next: 'correct_request' },
  NAME_CONTROL_CHARACTER: {
    zh: '名称中含有控制字符',
    en: 'a name contains a control character',
    next: 'correct_request',
  },
  CONTROL_CHARACTER: {
    zh: '{field} 含有控制字符',
    en: '{field} contains a control character',
    next: 'correct_request',
  },
  LONE_SURROGATE: {
    zh: '{field} 含有不完整的字符',
    en: '{field} contains half a character (a lone surrogate)',
    next: 'correct_request',
  },
  IMPOSSIBLE_DATE: { zh: '日期不存在或格式不正确', en: 'no such date, or not YYYY-MM-DD', next: 'correct_request' },
  PERIOD_REVERSED: {
    zh: '有效期止早于有效期起',
    en: 'the period ends before it starts',
    next: 'correct_request',
  },
  HOLDER_CREDIT_CODE: {
    zh: '持证主体代码不符合其代码类型的校验规则',
    en: "the holder's code fails the check of its code type",
    next: 'correct_request',
  },
  HOLDER_CODE: { zh: '持证主体代码格式不正确', en: "the holder's code is malformed", next: 'correct_request' },
  HOLDER_CODE_TYPE: {
    zh: '持证主体代码类型应为三位数字',
    en: 'a holder code type has three digits',
    next: 'correct_request',
  },
  TOO_MANY_EXTENSIONS: { zh: '扩展字段过多', en: 'too many extension fields', next: 'correct_request' },
  OVERSIZE_EXTENSION: { zh: '扩展字段过长', en: 'an extension field is too large', next: 'correct_request' },
  EXTENSION_REPEATED: { zh: '扩展字段名称重复', en: 'an extension name is repeated', next: 'correct_request' },
  TOO_MANY_FILES: { zh: '文件过多', en: 'too many files', next: 'correct_request' },
  FILE_DIGEST: { zh: '文件摘要应为 32 字节', en: 'a file digest has 32 bytes', next: 'correct_request' },
  FILE_SIZE: { zh: '文件大小超出范围', en: 'a file size is out of range', next: 'correct_request' },
  MEDIA_TYPE: { zh: '文件媒体类型不正确', en: 'a media type is malformed', next: 'correct_request' },
  REVOCATION_MANNER: {
    zh: '须说明注销、撤销或吊销',
    en: 'the manner of a revocation must be given',
    next: 'correct_request',
  },
  NO_NEXT_VERSION: {
    zh: '此证照标识之后没有下一版本，不能变更',
    en: 'no version follows this identifier; it cannot be amended',
    next: 'look_up_state',
  },
  NOT_NEXT_VERSION: {
    zh: '新版本的证照标识应为{expected}',
    en: 'the identifier of the new version is {expected}',
    next: 'correct_request',
  },
  RECOGNITION_MODE: {
    zh: '须说明跨省通办或异地代办',
    en: 'the mode of a recognition must be given',
    next: 'correct_request',
  },
  DECLARATION_ID: { zh: '互认声明编号格式不正确', en: 'the declaration id is malformed', next: 'correct_request' },
  DECLARATION_VERSION: {
    zh: '互认声明版本号不正确',
    en: 'the declaration version is out of range',
    next: 'correct_request',
  },
  ITEM_COUNT: { zh: '{field} 的项数超出范围', en: '{field} has too few or too many items', next: 'correct_request' },
  ITEM_REPEATED: { zh: '{field} 有重复项', en: '{field} repeats an item', next: 'correct_request' },
  ZONE_ID: { zh: '区的编号格式不正确', en: 'a zone id is malformed', next: 'correct_request' },
  TIME_OUT_OF_RANGE: { zh: '时间超出范围', en: 'a time is out of range', next: 'correct_request' },
  LEAF_INDEX: { zh: '日志序号超出范围', en: 'a leaf index is out of range', next: 'correct_request' },
  LEAF_HASH: { zh: '叶哈希应为 32 字节', en: 'a leaf hash has 32 bytes', next: 'correct_request' },
  HEAD_TOO_LARGE: { zh: '检查点过大', en: 'the head is too large', next: 'correct_request' },

  // What does not follow from the state.
  ALREADY_ISSUED: { zh: '证照已颁发', en: 'the licence is already issued', next: 'look_up_state' },
  NOT_ISSUED: { zh: '证照尚未颁发', en: 'the licence was never issued', next: 'look_up_state' },
  ALREADY_SUSPENDED: { zh: '证照已在暂扣中', en: 'the licence is already suspended', next: 'look_up_state' },
  NOT_SUSPENDED: { zh: '证照未被暂扣', en: 'the licence is not suspended', next: 'look_up_state' },
  ALREADY_REVOKED: {
    zh: '证照已注销、撤销或吊销，不再接受变更',
    en: 'the licence is revoked; nothing can follow',
    next: 'look_up_state',
  },
  VERSION_UNKNOWN: {
    zh: '证照标识的版本不是已颁发的版本',
    en: 'the identifier is of a version that was not issued',
    next: 'look_up_state',
  },
  VERSION_SUPERSEDED: {
    zh: '此版本已被新版本取代，现行版本为{expected}',
    en: 'a newer version has taken the place of this one: {expected}',
    next: 'look_up_state',
  },
  FIELD_FIXED: {
    zh: '{field} 不得变更或更正，应为 {expected}',
    en: '{field} cannot be amended or corrected; it stays {expected}',
    next: 'correct_request',
  },
  NOTHING_CORRECTED: {
    zh: '更正内容与现有内容相同',
    en: 'the correction says what stands already',
    next: 'look_up_state',
  },
  RENEWAL_WITHOUT_END: {
    zh: '证照没有有效期止，无需延续',
    en: 'the licence has no end that could be prolonged',
    next: 'look_up_state',
  },
  RENEWAL_NOT_LATER: {
    zh: '延续后的有效期止须晚于现有的有效期止',
    en: 'a renewal ends later than the period so far',
    next: 'correct_request',
  },
  AUTHORITY_DIFFERS: {
    zh: '只有颁发机构可以变更证照状态',
    en: 'only the authority that issued the licence may change it',
    next: 'ask_authority',
  },
  VERSION_SKIPS: {
    zh: '互认声明的版本号应为{expected}',
    en: 'the next version of the declaration is {expected}',
    next: 'look_up_state',
  },
  TOO_SOON: {
    zh: '互认声明的生效时间早于章程规定的提前期',
    en: "the declaration takes effect sooner than the charter's lead time allows",
    next: 'correct_request',
  },
  TOO_SHORT: {
    zh: '互认声明的有效时间短于章程规定',
    en: 'the declaration lasts shorter than the charter allows',
    next: 'correct_request',
  },
  NOT_DECLARED_BEFORE: {
    zh: '没有可撤回的互认声明',
    en: 'there is no such declaration to withdraw',
    next: 'look_up_state',
  },
  ALREADY_WITHDRAWN: { zh: '互认声明已撤回', en: 'the declaration is already withdrawn', next: 'look_up_state' },

  // Who may say it, and where it stands.
  ISSUER_OF_ANOTHER_ZONE: {
    zh: '颁发机构不属于{zone}',
    en: "the issuer is not one of {zone}'s",
    next: 'correct_request',
  },
  ISSUED_ELSEWHERE: {
    zh: '此证照标识已在{zone}的记录中',
    en: "the identifier already lives in {zone}'s log",
    next: 'ask_zone',
  },
  LEAF_MISMATCH: {
    zh: '叶与载荷不一致：{part}',
    en: 'leaf and payload do not say the same: {part}',
    next: 'ask_zone',
  },
  SUBJECT_SPLIT: {
    zh: '同一主体使用了两个主体值',
    en: 'one subject under two subject values',
    next: 'ask_zone',
  },
  RESTATED_UNKNOWN: {
    zh: '重新确认所指的事件不在此日志中，或不属于此证照或声明',
    en: 'restated names no event of this log about this subject',
    next: 'look_up_state',
  },

  // Batches, as the hub refuses them.
  BATCH_EMPTY: { zh: '批中没有事件', en: 'the batch holds no event', next: 'ask_operator' },
  BATCH_TOO_LARGE: { zh: '批过大', en: 'the batch is too large', next: 'ask_operator' },
  BATCH_LEAF: { zh: '批中有无法读取的叶', en: 'a leaf of the batch cannot be read', next: 'ask_operator' },
  BATCH_ORIGIN: {
    zh: '批不是发送区的日志',
    en: "the batch is not of the sender's log",
    next: 'ask_operator',
  },
  BATCH_NOT_CONTINUING: {
    zh: '批与枢纽已知的日志不相接',
    en: 'the batch does not continue the log as the hub knows it',
    next: 'ask_operator',
  },
  BATCH_COMMITMENT: {
    zh: '载荷与其承诺不符',
    en: 'a payload does not open its commitment',
    next: 'ask_operator',
  },
  BATCH_ROOT: { zh: '批的根哈希不符', en: 'the root of the batch is wrong', next: 'ask_operator' },
  BATCH_SIGNATURE: {
    zh: '批的检查点没有认可的签名',
    en: 'the checkpoint of the batch has no accepted signature',
    next: 'ask_operator',
  },
  BATCH_TIME_FALLS: { zh: '叶的时间倒退', en: 'a leaf time runs back', next: 'ask_operator' },
  BATCH_FROM_THE_FUTURE: {
    zh: '叶的时间超前于枢纽时钟',
    en: "a leaf time is ahead of the hub's clock",
    next: 'try_later',
  },

  // Requests and running services.
  NOT_JSON: { zh: '此行不是 JSON', en: 'the line is not JSON', next: 'correct_request' },
  NOT_CSV: { zh: '此行不是 CSV', en: 'the line is not CSV', next: 'correct_request' },
  FIELD_NAMES: {
    zh: '字段名不正确、重复，或混用了拼音与英文两套字段名',
    en: 'a field name is unknown, repeated, or of the other of the two sets',
    next: 'correct_request',
  },
  NOT_TEXT: { zh: '该字段的值应为文本', en: 'the value of this field is not text', next: 'correct_request' },
  NOT_IN_ENCODING: {
    zh: '此处的字节不符合文件的编码，其后内容未读取',
    en: 'the bytes here are not of the encoding of the file; the rest was not read',
    next: 'correct_request',
  },
  FILE_CUT: { zh: '文件在此处被截断', en: 'the file was cut off here', next: 'correct_request' },
  NOT_PUBLISHABLE: {
    zh: '此类事件不能由客户端提交',
    en: 'events of this kind are not published by a client',
    next: 'correct_request',
  },
  REQUEST_ID: {
    zh: 'request_id 应为 1 至 64 字节',
    en: 'a request_id has 1 to 64 bytes',
    next: 'correct_request',
  },
  TOO_MANY_ITEMS: { zh: '请求的项数过多', en: 'the request holds too many items', next: 'correct_request' },
  PAYLOAD_TOO_LARGE: { zh: '事件过大', en: 'the event is too large', next: 'correct_request' },
  CONFLICT: {
    zh: '同一编号已用于其他内容',
    en: 'the same id was used for other content',
    next: 'look_up_state',
  },
  NOT_AUTHORISED: {
    zh: '调用方无权以此机构名义操作',
    en: 'the caller may not act for this authority or role',
    next: 'ask_operator',
  },
  NOT_FOUND: { zh: '没有找到', en: 'not found', next: 'correct_request' },
  ZONE_NOT_RUNNING: { zh: '{zone}的服务未运行', en: 'zone {zone} is not running here', next: 'ask_operator' },
  HUB_NOT_RUNNING: { zh: '枢纽未运行', en: 'the hub is not running here', next: 'ask_operator' },
  HUB_NOT_ANSWERED: {
    zh: '枢纽尚未应答，暂不受理',
    en: 'the hub has not answered yet; nothing is written',
    next: 'try_later',
  },
  VERIFIER_NOT_ANSWERED: {
    zh: '本区查验服务未应答，暂不受理',
    en: "the zone's verifier does not answer; nothing is written",
    next: 'try_later',
  },
  WAITING_FOR_WITNESSES: {
    zh: '枢纽正在等待足够的见证区',
    en: 'the hub waits for enough witnesses',
    next: 'try_later',
  },
  NOT_YET: {
    zh: '尚未有到该位置或时间的见证数据',
    en: 'no witnessed data up to that position or time yet',
    next: 'try_later',
  },
  AS_OF: {
    zh: '“截至”须为一个位置或一个时间',
    en: 'as of wants one position or one time',
    next: 'correct_request',
  },
  BEFORE_FIRST_LEAF: {
    zh: '该位置或时间早于联盟的首条记录',
    en: "that position or time is before the alliance's first record",
    next: 'correct_request',
  },
  ANSWER_TOO_LARGE: {
    zh: '此证照的记录过多，一次答复放不下',
    en: 'the events of this licence do not fit into one answer',
    next: 'ask_operator',
  },
  REDACTED_SINCE: {
    zh: '在位置 {position} 之后有数据被依法删除，只能从该位置起比对',
    en: 'data was deleted by law; the digest is answered from position {position} on',
    next: 'correct_request',
  },
  DOCUMENT_DAMAGED: {
    zh: '本区查验数据中的 {field} 已损坏',
    en: "{field} of this zone's verified copy is damaged",
    next: 'ask_operator',
  },
  ADOPT_NEEDED: {
    zh: '本地数据旧于已签名的数据，须先执行 adopt',
    en: 'the local data is older than what it has signed; run adopt first',
    next: 'ask_operator',
  },
  CLOCK_OFF: { zh: '时钟偏差过大', en: 'a clock is too far off', next: 'ask_operator' },
  QUEUE_FULL: { zh: '排队已满', en: 'the queue is full', next: 'try_later' },
  DISK_FULL: { zh: '磁盘已满', en: 'the disk is full', next: 'ask_operator' },
  PEER_UNAVAILABLE: {
    zh: '所依赖的服务暂时无法连接',
    en: 'a service this one depends on cannot be reached',
    next: 'try_later',
  },
  CHARTER_UNREADABLE: { zh: '章程无法读取', en: 'the charter cannot be read', next: 'ask_alliance' },
  CHARTER_NOT_CONTINUING: {
    zh: '章程与前一章程不相接',
    en: 'the charter does not follow the one before',
    next: 'ask_alliance',
  },
  CHARTER_SIGNATURES: {
    zh: '章程的管理员签名不足',
    en: 'the charter lacks signatures of its administrators',
    next: 'ask_alliance',
  },
} as const

/** A code of the catalogue. */
export type Code = keyof typeof catalogue
