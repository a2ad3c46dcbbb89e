/**
 * Keys and the rows they lead to, in memory: found one by one, and in the order of their UTF-8 bytes. Setting costs no sorting; the first
 * question about an order after it does.
 */
export class OrderedKeys {
  readonly #rows = new Map<string, number>()
  /** In order; may hold keys that were deleted since. */
  #sorted: string[] = []
  /** Keys set since they were last put in order. */
  #fresh: string[] = []
  /** Whether the order of UTF-16, which is cheap, is that of UTF-8 for every key here. */
  #isPlain = true

  get size(): number {
    return this.#rows.size
  }

  get(key: string): number | undefined {
    return this.#rows.get(key)
  }

  set(key: string, row: number): void {
    const before = this.#rows.size
    this.#rows.set(key, row)
    if (this.#rows.size > before) this.#fresh.push(key)
    this.#isPlain &&= isPlain(key)
  }

  delete(key: string): void {
    this.#rows.delete(key)
  }

  /** All keys, in order. */
  sorted(): readonly string[] {
    this.#putInOrder()
    return this.#sorted
  }

  /** Keys from `from` up to but not including `to`, at most `limit`; with `reverse` from the last one down. */
  between(from: string, to: string | undefined, limit: number, reverse: boolean): readonly string[] {
    if (this.#rows.size === 0) return []
    this.#putInOrder()
    const order = this.#order(isPlain(from) && (to === undefined || isPlain(to)))
    const start = lowerBound(this.#sorted, from, 0, order)
    const end = to === undefined ? this.#sorted.length : lowerBound(this.#sorted, to, start, order)
    const keys: string[] = []
    const step = reverse ? -1 : 1
    for (let at = reverse ? end - 1 : start; at >= start && at < end && keys.length < limit; at += step) {
      keys.push(this.#sorted[at]!)
    }
    return keys
  }

  /** Afterwards `#sorted` holds every key once. */
  #putInOrder(): void {
    if (this.#sorted.length + this.#fresh.length > this.#rows.size) {
      // Some were deleted. A key set again stands in both lists.
      this.#sorted = this.#sorted.filter((key) => this.#rows.has(key))
      const there = new Set(this.#sorted)
      this.#fresh = [...new Set(this.#fresh)].filter((key) => this.#rows.has(key) && !there.has(key))
    }
    if (this.#fresh.length === 0) return
    const order = this.#order(true)
    this.#sorted = merged(this.#sorted, this.#fresh.sort(order), order)
    this.#fresh = []
  }

  #order(arePlain: boolean): (left: string, right: string) => number {
    return this.#isPlain && arePlain ? compareAsUtf16 : compareAsUtf8
  }
}

/** The order of keys: that of their UTF-8 bytes, as SQLite has it. */
export function compareKeys(left: string, right: string): number {
  return isPlain(left) && isPlain(right) ? compareAsUtf16(left, right) : compareAsUtf8(left, right)
}

function compareAsUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

function compareAsUtf16(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

// Code units from the surrogates on are where the two orders part.
function isPlain(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key)
}

/** Few into many: places are searched for, and what lies between is only copied. */
function merged(
  many: readonly string[],
  few: readonly string[],
  order: (left: string, right: string) => number,
): string[] {
  const all: string[] = []
  let at = 0
  for (const key of few) {
    const place = lowerBound(many, key, at, order)
    while (at < place) all.push(many[at++]!)
    all.push(key)
  }
  while (at < many.length) all.push(many[at++]!)
  return all
}

/** The place of the first key at or above `key`, looked for from `low` on. */
function lowerBound(
  keys: readonly string[],
  key: string,
  low: number,
  order: (left: string, right: string) => number,
): number {
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (order(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
