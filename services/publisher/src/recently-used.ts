/**
 * A map that holds at most `limit` values and forgets those used longest ago, half of the limit at a time: dropping them one by one
 * costs more than keeping them, because a Map walks over what was deleted at its front.
 */
export class RecentlyUsed<Key, Value> {
  readonly #half: number
  #newer: Map<Key, Value> = new Map()
  #older: Map<Key, Value> = new Map()

  constructor(limit: number) {
    this.#half = Math.max(1, Math.floor(limit / 2))
  }

  get(key: Key): Value | undefined {
    const newer = this.#newer.get(key)
    if (newer !== undefined) return newer
    const older = this.#older.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: Key, value: Value): void {
    this.#newer.set(key, value)
    if (this.#newer.size < this.#half) return
    this.#older = this.#newer
    this.#newer = new Map()
  }
}
