export * from './batch.ts'
export { largestIndex } from './bounds.ts'
export { type Entry, entryFromWire, entryToWire } from './entry.ts'
export {
  type EventReading,
  eventFromWire,
  eventToWire,
  licenceIssuedToWire,
  recognitionDeclaredToWire,
} from './event.ts'
export * from './hub-leaf.ts'
export * from './leaf.ts'
export * from './log-service.ts'
export * from './payload.ts'
export * from './publisher-service.ts'
export * from './record.ts'
export * from './verifier-service.ts'
