import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Where what was typed is kept: $GLOVEBOX_REPL_HISTORY, nowhere if that is empty, or below $XDG_STATE_HOME. Its folder is made; undefined if that cannot be. */
export function historyFile(): string | undefined {
  const { GLOVEBOX_REPL_HISTORY: given, XDG_STATE_HOME: state } = process.env
  if (given === '') return undefined
  const path = given ?? join(state === undefined || state === '' ? join(homedir(), '.local/state') : state, 'glovebox/repl_history')
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return path
  } catch {
    return undefined
  }
}
