export type * from './charter.ts'
export type * from './event.ts'
export * from './state.ts'
export * from './verdict.ts'
