/** Waits for work, and no longer than the limit; what is not done then goes on alone. */
export async function withinMs(work: Promise<unknown>, limitMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>()
  const timeout = setTimeout(timer.resolve, limitMs)
  await Promise.race([work, timer.promise])
  clearTimeout(timeout)
}
