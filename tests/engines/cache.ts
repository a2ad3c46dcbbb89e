import { homedir } from 'node:os'
import { join } from 'node:path'

/** A folder of the engines under the user's cache directory (XDG Base Directory Specification). */
export function engineFolder(name: string): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(caches, 'hutong', 'engines', name)
}
