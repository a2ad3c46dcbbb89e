import { StreamUnavailableError } from './errors.ts'
import type { Stream, StreamReader, StreamRecord, StreamWriter } from './stream.ts'

/** What the broker does with one record on its way to a reader. */
export type Delivery =
  | { readonly kind: 'drop' }
  /** It comes twice under its one offset, as after a change of the consumer group. */
  | { readonly kind: 'double' }
  /** It changes places with the one after it; the offsets go on growing, as a broker's always do. */
  | { readonly kind: 'swap' }
  | { readonly kind: 'alter'; readonly value: Uint8Array }
  /** The connection breaks before this record: the reading throws `error`. */
  | { readonly kind: 'fail'; readonly error?: Error }

/** What becomes of one append, and separately what the writer hears. */
export interface AppendFault {
  readonly happens: 'all' | 'half' | 'nothing'
  readonly reported: boolean
  /** The exception when it is not reported; a StreamUnavailableError when absent. */
  readonly error?: Error
}

export interface Misbehaviour {
  /** Asked for each record given out, also when it is read again; undefined: it is delivered as it is. */
  readonly deliver?: (record: StreamRecord) => Delivery | undefined
  /** `number` counts the appends of all writers from 0; undefined: it goes well. */
  readonly append?: (number: number, values: readonly Uint8Array[]) => AppendFault | undefined
}

/** For tests: `stream` behind a broker that keeps no promise (faults X3 and X4). */
export function createMisbehavingStream(stream: Stream, plan: Misbehaviour): Stream {
  let appends = 0
  return {
    id: stream.id,
    async writer() {
      return misbehavingWriter(await stream.writer(), (values) => plan.append?.(appends++, values))
    },
    async reader() {
      return misbehavingReader(await stream.reader(), (record) => plan.deliver?.(record))
    },
  }
}

function misbehavingWriter(
  writer: StreamWriter,
  faultOf: (values: readonly Uint8Array[]) => AppendFault | undefined,
): StreamWriter {
  return {
    async append(values) {
      const fault = faultOf(values)
      if (!fault) return writer.append(values)
      if (fault.happens === 'all') await writer.append(values)
      if (fault.happens === 'half') await writer.append(values.slice(0, Math.ceil(values.length / 2)))
      if (!fault.reported) throw fault.error ?? new StreamUnavailableError('a fault was planned for this append')
    },
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  }
}

function misbehavingReader(
  reader: StreamReader,
  deliveryOf: (record: StreamRecord) => Delivery | undefined,
): StreamReader {
  return {
    async *read(from, signal) {
      // The record that waits for its successor; its successor may come in a later batch.
      let swapping: StreamRecord | undefined
      for await (const batch of reader.read(from, signal)) {
        const delivered: StreamRecord[] = []
        for (const record of batch) {
          if (swapping) {
            delivered.push({ ...swapping, value: record.value }, { ...record, value: swapping.value })
            swapping = undefined
            continue
          }
          const delivery = deliveryOf(record)
          if (delivery?.kind === 'fail') {
            if (delivered.length > 0) yield delivered
            throw delivery.error ?? new StreamUnavailableError(`a fault was planned before offset ${record.offset}`)
          }
          if (delivery?.kind === 'swap') swapping = record
          else delivered.push(...recordsDelivered(record, delivery))
        }
        if (delivered.length > 0) yield delivered
      }
    },
    earliest: () => reader.earliest(),
    end: () => reader.end(),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

function recordsDelivered(
  record: StreamRecord,
  delivery: Exclude<Delivery, { kind: 'fail' | 'swap' }> | undefined,
): StreamRecord[] {
  if (!delivery) return [record]
  switch (delivery.kind) {
    case 'drop':
      return []
    case 'double':
      return [record, record]
    case 'alter':
      return [{ ...record, value: delivery.value }]
  }
}
