import { access, constants } from 'node:fs/promises'
import { assertKnownAnswers } from '@hutong/signing'
import { Command } from 'commander'
import { type BoxOptions, dataDirectory, isAlive, readBoxFile, withData } from './box.ts'
import { asVerb, type Cli, type Common } from './command.ts'
import { exits } from './exit.ts'
import { plain } from './print.ts'

const nodeLeast = 24

/** `hutong doctor`: what is wrong with this machine and the box. */
export function doctorCommand(cli: Cli): Command {
  const summary = 'look at Node, the cryptography, the data directory and the box; exit 1 if something is wrong'
  return withData(asVerb(new Command('doctor'), summary, ['doctor', 'doctor --json'])).action(
    async (options: Common & BoxOptions) => {
      cli.exitCode = await examine(cli, options)
    },
  )
}

interface Symptom {
  readonly what: string
  readonly well: boolean
  readonly says: string
}

async function examine(cli: Cli, options: Common & BoxOptions): Promise<number> {
  const dataDir = dataDirectory(cli, options)
  const symptoms = [node(), cryptography(), await dataReadable(dataDir), await box(dataDir)]
  const well = symptoms.every((one) => one.well)
  if (options.json) cli.print.json({ well, symptoms })
  else {
    cli.print.table(
      ['', 'what', ''],
      symptoms.map(({ what, well: is, says }) => [is ? 'ok' : 'BAD', what, plain(says)]),
    )
  }
  return well ? exits.done : exits.negative
}

function node(): Symptom {
  const major = Number(process.versions.node.split('.')[0])
  return { what: 'node', well: major >= nodeLeast, says: `${process.versions.node}, want ${nodeLeast} or newer` }
}

function cryptography(): Symptom {
  try {
    assertKnownAnswers()
    return { what: 'cryptography', well: true, says: `known answers hold, OpenSSL ${process.versions.openssl}` }
  } catch (error) {
    return { what: 'cryptography', well: false, says: error instanceof Error ? error.message : String(error) }
  }
}

async function dataReadable(dataDir: string): Promise<Symptom> {
  try {
    await access(dataDir, constants.R_OK | constants.W_OK)
    return { what: 'data', well: true, says: dataDir }
  } catch {
    return { what: 'data', well: false, says: `${dataDir} is not there, or may not be read and written` }
  }
}

async function box(dataDir: string): Promise<Symptom> {
  const file = await readBoxFile(dataDir)
  if (file === undefined) return { what: 'box', well: false, says: 'no box runs on these data' }
  const well = isAlive(file.pid)
  return { what: 'box', well, says: well ? `gRPC ${file.grpc}, HTTP ${file.http}` : 'it ended without saying so' }
}
