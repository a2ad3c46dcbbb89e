import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteStore, type Store } from '@hutong/store'

/** A store in a folder of its own, readable by its owner only, made when it is first needed and gone after disposal. */
export class TemporaryStore implements AsyncDisposable {
  #opened: { readonly folder: string; readonly store: Store } | undefined

  async open(): Promise<Store> {
    if (this.#opened === undefined) {
      const folder = await mkdtemp(join(tmpdir(), 'hutong-audit-'))
      this.#opened = { folder, store: createSqliteStore({ path: join(folder, 'replay.sqlite') }) }
    }
    return this.#opened.store
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#opened === undefined) return
    await this.#opened.store[Symbol.asyncDispose]()
    await rm(this.#opened.folder, { recursive: true, force: true })
  }
}
