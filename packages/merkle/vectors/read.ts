import { readdirSync, readFileSync } from 'node:fs'
import { type Signer, signerFromPem } from '@hutong/signing'

/** The fields that every case of the vectors has. */
export interface VectorCase {
  readonly id: string
  readonly expect: 'accept' | 'reject'
  readonly why: string
}

/** How many cases of each verdict a file of the vectors holds, as its makers counted them. */
export interface VectorCounts {
  readonly accept: number
  readonly reject: number
}

/** Only tests call this: it reads from the folder beside the code. */
export function readVectors<T>(file: string): T {
  return JSON.parse(readFileSync(vectorPath(file), 'utf8'))
}

export function vectorCounts(file: string): VectorCounts {
  return readVectors<Record<string, VectorCounts>>('counts.json')[file]!
}

export function countVerdicts(cases: readonly { readonly expect: 'accept' | 'reject' }[]): VectorCounts {
  const accept = cases.filter((one) => one.expect === 'accept').length
  return { accept, reject: cases.length - accept }
}

/** The files under a folder of the vectors: their bytes by path within it. */
export function readVectorFolder(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(vectorPath(folder), { recursive: true, withFileTypes: true })
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = `${entry.parentPath}/${entry.name}`.slice(vectorPath(folder).length + 1)
        return [path, Uint8Array.from(readFileSync(vectorPath(`${folder}/${path}`)))]
      }),
  )
}

export function readVectorText(file: string): string {
  return readFileSync(vectorPath(file), 'utf8')
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Exact bytes of a field whose name ends in `_b64`. */
export function fromBase64(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

/** The Ed25519 signer of an RFC 8032 seed: the seed in the fixed frame of a PKCS #8 key (RFC 8410 §7). */
export function signerFromSeed(seedHex: string): Signer {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seedHex, 'hex')])
  return signerFromPem(`-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`)
}

function vectorPath(file: string): string {
  return `${import.meta.dirname}/${file}`
}
