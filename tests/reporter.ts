import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

/** How a whole run ended. A file or suite that broke outside its tests counts as one failed test: it hid some. */
export interface RunCounts {
  passed: number
  failed: number
  skipped: number
}

/**
 * Names every test that did not run, with its reason, and leaves the counts as JSON in the file that
 * `HUTONG_TEST_COUNTS` names, for whoever started the run to print last (deploy/bootstrap.mjs).
 */
export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    reportSkipped(tests)
    const file = process.env.HUTONG_TEST_COUNTS
    if (file !== undefined) writeFileSync(file, JSON.stringify(countRun(modules, tests, unhandledErrors)))
  }
}

function reportSkipped(tests: readonly TestCase[]): void {
  const skipped = tests.filter((test) => test.result().state === 'skipped')
  if (skipped.length === 0) return
  process.stdout.write(`\nDid not run (${skipped.length}):\n`)
  for (const test of skipped)
    process.stdout.write(`  ${test.module.relativeModuleId} > ${test.fullName}: ${reasonOf(test)}\n`)
}

function reasonOf(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' && result.note) || 'no reason given'
}

function countRun(
  modules: readonly TestModule[],
  tests: readonly TestCase[],
  unhandledErrors: readonly SerializedError[],
): RunCounts {
  const ended = (state: string) => tests.filter((test) => test.result().state === state).length
  const broken = modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .filter((part) => part.errors().length > 0)
  // A test that never came to an end (an interrupted run, a crashed worker) has not passed.
  return {
    passed: ended('passed'),
    failed: ended('failed') + ended('pending') + broken.length + unhandledErrors.length,
    skipped: ended('skipped'),
  }
}
