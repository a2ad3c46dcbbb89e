/** A map that forgets what was used longest ago when it holds more than `limit`. */
export class RecentlyUsed<Key, Value> {
  readonly #limit: number
  readonly #values: Map<Key, Value> = new Map()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size > this.#limit) this.#values.delete(this.#values.keys().next().value!)
  }
}
