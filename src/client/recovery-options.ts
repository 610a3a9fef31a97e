import { InvalidOptionError, type OptionReader } from '../base/options.ts'
import { Script } from './compiler/script.ts'
import type { Context } from './context.ts'

/** What is done in a new context before it is handed out: a source, a compiled script, or a function that gets the context. */
export type Setup = string | Script | ((context: Context) => unknown)

/** How a context comes back that is lost with its worker. */
export interface RecoveryOptions {
  /**
   * Done in the context before `createContext()` resolves: a source or a compiled script is run, a function is called with the context and awaited. Give a function its own handles by that context, not by the one
   * that `createContext()` gives, which waits for it. If it fails, so does `createContext()`.
   */
  readonly setup?: Setup
  /**
   * `'setup'`: if its worker dies, or the daemon, calls that are under way fail as ever, and the next one finds the context made again: with the same globals and options, by running `setup` again, and with the
   * listeners that it had. What else happened in the context is lost. See docs/recovery.md.
   */
  readonly restore?: 'setup'
}

export interface RecoverySettings {
  readonly setup: Setup | undefined
  readonly restore: 'setup' | undefined
}

export function readRecovery(read: OptionReader): RecoverySettings {
  const setup = read.any('setup')
  if (setup !== undefined && typeof setup !== 'string' && typeof setup !== 'function' && !(setup instanceof Script))
    throw new InvalidOptionError('setup', 'must be a source, a Script of box.compile(), or a function', setup)
  const restore = read.oneOf('restore', ['setup'])
  if (restore !== undefined && setup === undefined)
    throw new InvalidOptionError('restore', "goes with the option 'setup', which makes the context what it was", restore)
  return { setup: setup as Setup | undefined, restore }
}
