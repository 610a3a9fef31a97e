import { InvalidOptionError, type OptionReader } from '../base/options.ts'
import { MAX_CONTEXT_NAME, NAMED_IDLE_MS } from '../protocol/limits.ts'
import type { NameMode } from '../protocol/named-messages.ts'

/** A context that other connections of the tenant can have, too: see docs/named-contexts.md. */
export interface NamedOptions {
  /** 1 to 256 characters. Whoever of the tenant gives the same name gets the same context; globals and options are those of who makes it. Only data crosses, no functions. */
  readonly name?: string
  /** `true` (default): the context of that name, made if there is none. `false`: a new one, or `ERR_NAME_TAKEN`. `'only'`: one that there is, or `ERR_NAME_UNKNOWN`. */
  readonly attach?: boolean | 'only'
  /** How long it stays when nobody is attached, in milliseconds: 1 to 86,400,000, default 60,000. Of who makes it. */
  readonly idleTimeout?: number
}

export interface Naming {
  readonly name: string
  readonly mode: NameMode
  readonly idleMs: number
}

export function readNaming(read: OptionReader): Naming | undefined {
  const name = read.string('name')
  const attach = read.any('attach')
  const idleMs = read.integer('idleTimeout', NAMED_IDLE_MS.min, NAMED_IDLE_MS.max)
  if (attach !== undefined && typeof attach !== 'boolean' && attach !== 'only')
    throw new InvalidOptionError('attach', "must be true, false or 'only'", attach)
  if (name === undefined) {
    if (attach !== undefined) throw new InvalidOptionError('attach', "goes with the option 'name'", attach)
    if (idleMs !== undefined) throw new InvalidOptionError('idleTimeout', "goes with the option 'name'", idleMs)
    return undefined
  }
  if (name === '' || name.length > MAX_CONTEXT_NAME)
    throw new InvalidOptionError('name', `must have 1 to ${MAX_CONTEXT_NAME} characters`, name)
  if (read.any('modules') !== undefined)
    throw new InvalidOptionError(
      'modules',
      'does not go with a name: lookups are functions, and only data crosses to a named context',
      undefined,
    )
  return { name, mode: attach === 'only' ? 'existing' : attach === false ? 'new' : 'any', idleMs: idleMs ?? NAMED_IDLE_MS.default }
}
