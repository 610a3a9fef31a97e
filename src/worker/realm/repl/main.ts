import { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ObjectOf, ownKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { inspect } from '../inspect.ts'
import { finish, newBudget } from '../inspect/budget.ts'
import { DEFAULT_OPTIONS } from '../inspect/inspection.ts'

/**
 * What `glovebox repl` runs in a context before anything else: one global that shows values where they are. So a REPL shows classes, symbols, functions and proxies
 * as they are, calls no getter, and leaves promises alone. A guest that calls it learns nothing.
 */
const NAME = '__glovebox_repl__'
/** Names that one completion offers, and prototypes that it looks at. */
const MAX_NAMES = 2_000
const MAX_PROTOTYPES = 16

const realmGlobal: object = globalThis
let last: unknown
let lastError: unknown

/** The value as text; it is `_` from then on. */
function show(value: unknown, depth: number, lineWidth: number): string {
  last = value
  const budget = newBudget()
  return finish(budget, inspect(value, { ...DEFAULT_OPTIONS, depth, lineWidth }, budget), 0)
}

/** What a line threw is `_error` from then on. */
function failed(error: unknown): unknown {
  lastError = error
  return error
}

/** Names of the members of what `read` gives, after a path of names from there; of globals without `read`. As lines. No getter is called. */
function names(read: (() => unknown) | undefined, path: string[]): string {
  try {
    let value: unknown = read === undefined ? realmGlobal : read()
    for (let i = 0; i < path.length; i++) value = memberOf(value, path[i] as string)
    return value === undefined || value === null ? '' : listed(ObjectOf(value) as object)
  } catch {
    return ''
  }
}

/** Undefined for what is absent, and for what only a getter knows. */
function memberOf(value: unknown, name: string): unknown {
  let holder = value === undefined || value === null ? null : (ObjectOf(value) as object)
  for (let i = 0; holder !== null && i < MAX_PROTOTYPES; i++) {
    const described = getOwnPropertyDescriptor(holder, name)
    if (described !== undefined) return described.value
    holder = getPrototypeOf(holder)
  }
  return undefined
}

/** Whether a global is a property that only a getter knows. */
function isAccessor(name: string): boolean {
  return getOwnPropertyDescriptor(realmGlobal, name)?.get !== undefined
}

function listed(value: object): string {
  let text = ''
  let count = 0
  let holder: object | null = value
  for (let i = 0; holder !== null && i < MAX_PROTOTYPES; i++) {
    const keys = ownKeys(holder)
    for (let k = 0; k < keys.length && count < MAX_NAMES; k++) {
      const key = keys[k]
      if (typeof key !== 'string' || key === NAME) continue
      text += `${key}\n`
      count++
    }
    holder = getPrototypeOf(holder)
  }
  return text
}

const hidden = { __proto__: null, writable: false, enumerable: false, configurable: false }
defineProperty(show, 'names', { ...hidden, value: names } as PropertyDescriptor)
defineProperty(show, 'failed', { ...hidden, value: failed } as PropertyDescriptor)
defineProperty(show, 'isAccessor', { ...hidden, value: isAccessor } as PropertyDescriptor)
defineProperty(realmGlobal, NAME, { ...hidden, value: show } as PropertyDescriptor)
variable('_', () => last)
variable('_error', () => lastError)

/** As in Node's REPL: whoever assigns to it has a variable of that name from then on. */
function variable(name: string, read: () => unknown): void {
  const set = (value: unknown): void =>
    void defineProperty(realmGlobal, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor)
  defineProperty(realmGlobal, name, { __proto__: null, get: read, set, enumerable: false, configurable: true } as PropertyDescriptor)
}
