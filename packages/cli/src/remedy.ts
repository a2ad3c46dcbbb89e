import { CallError } from '@hutong/sdk'
import { CommandError, exitOfError, exits } from './exit.ts'

/** What to do about an error, one sentence in each language. */
export interface Remedy {
  readonly zh: string
  readonly en: string
}

/**
 * What a person at the terminal can do about an error: by its reason code where there is something particular to say, else by the exit
 * code it leads to. Never empty: an error without a way on is half an error.
 */
export function remedyOf(error: unknown): Remedy {
  const code = error instanceof CommandError || error instanceof CallError ? error.code : ''
  return byCode.get(code) ?? byExit.get(exitOfError(error)) ?? ourBug
}

const ourBug: Remedy = {
  zh: '这是本软件的缺陷：请连同上面的内容报告。',
  en: 'this is a mistake of ours: please report it with what stands above',
}

const byCode: ReadonlyMap<string, Remedy> = new Map([
  [
    'BOX_NOT_RUNNING',
    {
      zh: '先运行 npm start，或用 --data 指明数据目录。',
      en: 'run npm start first, or name the data directory with --data',
    },
  ],
  ['ZONE', { zh: '改用其中之一。', en: 'name one of those' }],
  ['FILE', { zh: '检查文件名与权限。', en: 'check the name of the file and who may read it' }],
  [
    'FILE_EXISTS',
    { zh: '另取文件名，或先移走原文件。', en: 'choose another name, or move what is there out of the way' },
  ],
  [
    'CHECK_CHARACTER',
    {
      zh: '对照证照重新录入；校验位不符，说明有字符录错。',
      en: 'type it again from the licence: a wrong check character means that some character is wrong',
    },
  ],
  ['MALFORMED_IDENTIFIER', { zh: '对照证照重新录入证照标识。', en: 'type the identifier again from the licence' }],
  ['ZONE_NOT_MEMBER', { zh: '核对证照标识中的颁发机构代码。', en: 'check the issuer in the identifier' }],
  [
    'ZONE_NOT_RUNNING',
    { zh: '该区未运行：用 hutong dev status 查看。', en: 'that zone does not run: look with hutong dev status' },
  ],
  [
    'NOT_YET',
    {
      zh: '本区的副本还没有到那个位置：稍后再试，或问较早的位置。',
      en: 'the copy of this zone has not come so far: ask later, or for an earlier position',
    },
  ],
  [
    'WRONG_PASSPHRASE',
    {
      zh: '核对口令；文件可能已损坏，可向发放者重新索取。',
      en: 'check the passphrase; if it is right the file is damaged: ask whoever gave it to you for another copy',
    },
  ],
  [
    'PASSPHRASE',
    {
      zh: '口令只从文件或标准输入读取，一行文字，新口令至少 12 个可打印 ASCII 字符。',
      en: 'a passphrase is one line in a file or on stdin; a new one has at least 12 printable ASCII characters',
    },
  ],
  [
    'NOT_PKCS12',
    {
      zh: '只能导入 PKCS#12 文件（.p12、.pfx）；.sm2、PEM、JKS 须先转换。',
      en: 'only PKCS#12 (.p12, .pfx) is imported; .sm2, PEM and JKS must be converted first',
    },
  ],
  [
    'KEY_NOT_RSA',
    {
      zh: '传输证书只用 RSA 密钥：请申请 RSA 证书，或用 hutong ca issue 签发。',
      en: 'transport takes RSA keys alone: ask for an RSA certificate, or make one with hutong ca issue',
    },
  ],
  [
    'KEY_TOO_SHORT',
    { zh: '请申请 2048 位以上的 RSA 证书。', en: 'ask for a certificate with an RSA key of 2048 bits or more' },
  ],
  [
    'CA_ENDS_SOONER',
    {
      zh: '减少 --days，或先用 hutong ca new 更新签发者。',
      en: 'ask for fewer days, or make a new CA with hutong ca new first',
    },
  ],
  [
    'CA_NOT_IN_PERIOD',
    {
      zh: '核对本机时钟；签发者到期后须新建。',
      en: 'check the clock of this machine; a CA that is over must be made anew',
    },
  ],
  [
    'CA_OF_ANOTHER_ALLIANCE',
    { zh: '核对 --identity 与 --ca。', en: 'compare --identity with --ca: each alliance has a CA of its own' },
  ],
  [
    'CONFLICT',
    {
      zh: '同一编号已有不同内容：核对后另用编号，或发布更正。',
      en: 'the same number already says something else: compare the two; what was wrong is put right by a correction',
    },
  ],
])

const byExit: ReadonlyMap<number, Remedy> = new Map([
  [exits.negative, { zh: '按上述原因处理后再试。', en: 'mend what is named above, then try again' }],
  [
    exits.usage,
    { zh: '加 --help 查看用法与示例。', en: 'see the same command with --help: usage, and examples that work' },
  ],
  [
    exits.notAuthorised,
    {
      zh: '换用有此权限的身份，或请运行者授权。',
      en: 'ask as one who may, or let the operator allow it',
    },
  ],
  [exits.notFound, { zh: '核对所问的编号与区。', en: 'check the number and the zone you asked for' }],
  [
    exits.unavailable,
    {
      zh: '稍后重试，不会重复登记；hutong doctor 可查原因。',
      en: 'try again, nothing is published twice; hutong doctor looks for the cause',
    },
  ],
  [exits.conflict, { zh: '核对已有内容。', en: 'compare with what is there' }],
  [
    exits.localDisk,
    { zh: '腾出磁盘空间或检查磁盘，然后重试。', en: 'make room on the disk or check it, then try again' },
  ],
  [exits.ourBug, ourBug],
])
