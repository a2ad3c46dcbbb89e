import { setTimeout as pause } from 'node:timers/promises'
import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from 'mongodb'
import { StaleWriterError, StoreUnavailableError } from './errors.ts'
import { within, writeLimitMs } from './mongo-clients.ts'
import { type DocumentRow, documentFromRow, idFromKey, rowFromDocument } from './mongo-rows.ts'
import type { Document } from './store.ts'

/** How often a call looks again at what lies under its keys while others write there too. */
const roundsMax = 8
const firstPauseMs = 5
/** Documents and bytes of values sent in one command: well under what a server takes (100,000 and 48 MB). */
const documentsPerCommandMax = 1_000
const bytesPerCommandMax = 8 * 1024 * 1024

/**
 * Inserts documents of one collection, as `Store.insert`. After an error in bulk nothing it says about single documents
 * is believed: what lies there is read, and each of ours is either there, or goes in, or is refused.
 */
export async function insertDocuments(rows: Collection<DocumentRow>, documents: readonly Document[]): Promise<void> {
  for (const command of commandsFrom(documents)) await insertDistinct(rows, command)
}

async function insertDistinct(rows: Collection<DocumentRow>, documents: readonly Document[]): Promise<void> {
  let pending = documents
  for (let round = 0; round < roundsMax; round++) {
    if (round > 1) await pause(firstPauseMs * 2 ** round)
    const inserts = pending.map((document) => ({ insertOne: { document: rowFromDocument(document) } }))
    if (await writeAll(rows, inserts)) return
    const there = await readRows(rows, pending)
    const open = pending.filter((document) => isOpen(document, there.get(document.key)))
    const replacements = open.flatMap((document) => replacementOf(document, there.get(document.key)))
    if (replacements.length > 0) await writeAll(rows, replacements)
    if (open.length === 0) return
    // Whether a replacement met the term it was for, the next round sees.
    pending = open
  }
  throw new StoreUnavailableError(`${rows.collectionName}: others write under the same keys; ${roundsMax} rounds tried`)
}

/** False: something was there already, or nobody knows what is. */
async function writeAll(
  rows: Collection<DocumentRow>,
  operations: readonly AnyBulkWriteOperation<DocumentRow>[],
): Promise<boolean> {
  try {
    const writing = rows.bulkWrite(operations, { ordered: false })
    const result = await within(writeLimitMs, `writing ${rows.collectionName}`, writing)
    const unsure = result.getWriteConcernError()
    if (unsure) throw new StoreUnavailableError(`MongoDB: written, not known to last: ${unsure.errmsg}`)
    return true
  } catch (error) {
    if (error instanceof MongoBulkWriteError && isOnlyDuplicates(error)) return false
    throw error
  }
}

function isOnlyDuplicates(error: MongoBulkWriteError): boolean {
  const each = [error.writeErrors].flat()
  return each.length > 0 && each.every(({ code }) => code === 11_000)
}

async function readRows(
  rows: Collection<DocumentRow>,
  documents: readonly Document[],
): Promise<ReadonlyMap<string, Document>> {
  const reading = rows.find({ _id: { $in: documents.map(({ key }) => idFromKey(key)) } }).toArray()
  const found = await within(writeLimitMs, `reading ${rows.collectionName}`, reading)
  const collection = documents[0]!.collection
  return new Map(found.map((row) => documentFromRow(collection, row)).map((document) => [document.key, document]))
}

/** Whether `document` still has to be written over `stored`, or because nothing is there. */
function isOpen(document: Document, stored: Document | undefined): boolean {
  if (!stored || stored.term < document.term) return true
  if (sameContent(stored, document)) return false
  const place = `${document.collection}/${document.key}`
  throw new StaleWriterError(
    `other content lies at ${place} under term ${stored.term}, this writer has ${document.term}`,
    { place, storedTerm: stored.term },
  )
}

// Only over the term that was read: another writer may have come between.
function replacementOf(document: Document, stored: Document | undefined): AnyBulkWriteOperation<DocumentRow>[] {
  if (!stored) return []
  const { _id, ...replacement } = rowFromDocument(document)
  const { term } = rowFromDocument(stored)
  return [{ replaceOne: { filter: { _id, term }, replacement } }]
}

function sameContent(left: Document, right: Document): boolean {
  return left.subject === right.subject && Buffer.compare(left.value, right.value) === 0
}

/** Each with a bounded number of documents and bytes, and no key twice: a later one of the same key comes later. */
function commandsFrom(documents: readonly Document[]): Document[][] {
  const commands: Document[][] = []
  let keys = new Set<string>()
  let bytes = 0
  for (const document of documents) {
    const size = document.value.byteLength
    const isFull = keys.size >= documentsPerCommandMax || bytes + size > bytesPerCommandMax
    if (commands.length === 0 || isFull || keys.has(document.key)) {
      commands.push([])
      keys = new Set()
      bytes = 0
    }
    commands.at(-1)!.push(document)
    keys.add(document.key)
    bytes += size
  }
  return commands
}
