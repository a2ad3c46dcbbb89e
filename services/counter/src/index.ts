export { type CounterService, type CounterServiceOptions, createCounterService } from './context.ts'
export type { CounterAnswer, CounterQuestion, CounterVerifier } from './counter.ts'
export type { Matter } from './page.ts'
export { type CounterSettings, defaultSettings } from './settings.ts'
