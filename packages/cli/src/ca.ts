import type { Command } from 'commander'
import {
  AUTHORITY_DAYS_MOST,
  type IssueOptions,
  issueCertificate,
  type NewOptions,
  newAuthority,
  SERVICE_DAYS_MOST,
} from './ca-issue.ts'
import { keyFileFromPkcs12, PKCS12_SIZE_MAX_BYTES } from './ca-pkcs12.ts'
import {
  CERTIFICATE_FILE_MAX_BYTES,
  CERTIFICATES_MOST,
  certificatesFromFile,
  printCertificate,
  shownCertificate,
} from './ca-show.ts'
import { type Cli, type Common, gathered, noun, verb } from './command.ts'
import { CommandError, exits } from './exit.ts'
import { bytesOfFile, writeNewFiles } from './files.ts'
import { readPassphrase } from './passphrase.ts'

/** `hutong ca …`: the certificates with which services prove to each other who they are. */
export function caCommand(cli: Cli): Command {
  const command = noun('ca', 'make and show transport certificates')
  verb(command, 'new', "make an alliance's transport CA: ca.pem, and ca-key.pem (mode 0600)", [
    'ca new --alliance jjj.hutong.example --out ca',
  ])
    .requiredOption('--alliance <name>', "the alliance's name as it stands in identities")
    .requiredOption('--out <folder>', 'where the files go; files that are there are left as they are')
    .option('--days <n>', `how long it is used, 1 to ${AUTHORITY_DAYS_MOST}`, '3650')
    .action(async (options: NewOptions) => {
      cli.exitCode = await newAuthority(cli, options)
    })
  verb(command, 'issue', 'make a key and certificate for a service: key.pem (0600), certificate.pem, ca.pem', [
    'ca issue --ca ca --identity hutong://jjj.hutong.example/beijing/publisher --dns publisher.beijing.example --out beijing-publisher',
    'ca issue --ca ca --identity hutong://jjj.hutong.example/hub/log --ip 10.0.0.7 --days 90 --pkcs12 --passphrase-file pass --out hub-log',
  ])
    .requiredOption('--ca <folder>', 'what ca new made')
    .requiredOption('--identity <uri>', 'hutong://<alliance>/<zone or hub>/<role>[/<name>]')
    .requiredOption('--out <folder>', 'where the files go; files that are there are left as they are')
    .option('--dns <name>', 'a host name it is reached by; may be given several times', gathered)
    .option('--ip <address>', 'an address it is reached by; may be given several times', gathered)
    .option('--days <n>', `how long it is used, 1 to ${SERVICE_DAYS_MOST}`, '365')
    .option('--pkcs12', 'key and certificates as keystore.p12 too; needs --passphrase-file')
    .option('--passphrase-file <file>', 'where the passphrase of keystore.p12 stands; - for stdin')
    .action(async (options: IssueOptions) => {
      cli.exitCode = await issueCertificate(cli, options)
    })
  verb(command, 'show <file>', 'show what certificates say, PEM or DER; exit 1 if one is not in its period', [
    'ca show beijing-publisher/certificate.pem',
  ]).action(async (file: string, options: Common) => {
    cli.exitCode = await show(cli, file, options)
  })
  verb(command, 'import <file>', 'take the RSA key and its certificates out of a PKCS#12 file', [
    'ca import beijing.p12 --passphrase-file pass --out beijing-publisher',
  ])
    .requiredOption('--passphrase-file <file>', 'where its passphrase stands; - for stdin')
    .requiredOption('--out <folder>', 'where key.pem (0600) and certificate.pem go; files that are there are left')
    .action(async (file: string, options: ImportOptions) => {
      cli.exitCode = await importKeyFile(cli, file, options)
    })
  return command
}

interface ImportOptions extends Common {
  readonly passphraseFile: string
  readonly out: string
}

async function show(cli: Cli, file: string, { json }: Common): Promise<number> {
  const certificates = certificatesFromFile(await bytesOfFile(file, CERTIFICATE_FILE_MAX_BYTES))
  if (certificates === undefined) {
    const wanted = `1 to ${CERTIFICATES_MOST} X.509 certificates in PEM, or one in DER (a PKCS#12 file is read by hutong ca import)`
    throw new CommandError(exits.usage, 'CERTIFICATE_UNREADABLE', `${file}: want ${wanted}`)
  }
  const shown = certificates.map((certificate) => shownCertificate(certificate, cli.nowMs()))
  if (json) cli.print.json({ certificates: shown })
  else for (const one of shown) printCertificate(cli, one)
  return shown.every(({ period }) => period === 'running') ? exits.done : exits.negative
}

async function importKeyFile(cli: Cli, file: string, { passphraseFile, out, json }: ImportOptions): Promise<number> {
  const bytes = await bytesOfFile(file, PKCS12_SIZE_MAX_BYTES)
  const keyFile = keyFileFromPkcs12(bytes, await readPassphrase(cli, passphraseFile))
  if (keyFile.kind === 'refused') throw new CommandError(exits.usage, keyFile.code, `${file}: ${keyFile.reason}`)
  const files = await writeNewFiles(out, [
    { name: 'key.pem', content: keyFile.privateKeyPem, mode: 0o600 },
    { name: 'certificate.pem', content: keyFile.chain.map((one) => one.toString()).join(''), mode: 0o644 },
  ])
  const shown = keyFile.chain.map((certificate) => shownCertificate(certificate, cli.nowMs()))
  if (json) cli.print.json({ files, leftOut: keyFile.leftOut, certificates: shown })
  else {
    for (const path of files) cli.print.line(path)
    for (const one of shown) printCertificate(cli, one)
    if (keyFile.leftOut > 0) cli.print.line(`未导入的证书 certificates left out, not of this chain: ${keyFile.leftOut}`)
  }
  return exits.done
}
