export * from './as-of.ts'
export * from './batch.ts'
export { largestIndex } from './bounds.ts'
export { type CharterReading, charterFromBytes, charterToBytes, largestCharterBytes } from './charter.ts'
export { type Entry, entryFromWire, entryToWire } from './entry.ts'
export {
  type EventReading,
  eventFromWire,
  eventToWire,
  licenceIssuedToWire,
  recognitionDeclaredToWire,
} from './event.ts'
export { type EventJsonReading, eventFromJson } from './event-json.ts'
export { eventJsonSchema } from './event-schema.ts'
export * from './hub-leaf.ts'
export * from './json.ts'
export { integerJsonSchema, integerToJson } from './json-integer.ts'
export * from './leaf.ts'
export * from './log-service.ts'
export * from './payload.ts'
export * from './proof-file.ts'
export * from './publisher-service.ts'
export * from './record.ts'
export * from './state.ts'
export * from './verdict.ts'
export { verdictJsonSchema } from './verdict-schema.ts'
export * from './verifier-service.ts'
