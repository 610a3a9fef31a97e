import { getPrototypeOf, objectPrototype } from '../../protocol/msgpack/intrinsics.ts'

const { apply, has, get, set, deleteProperty, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect
const { indexOf, slice } = String.prototype
const { test } = RegExp.prototype
// oxlint-disable-next-line no-eval -- evaluates a bare identifier, in the guest's own realm
const indirectEval = eval
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

const NativeTypeError = TypeError

/** The realm's global object, kept because a guest may redefine the name `globalThis`. */
const realmGlobal: object = globalThis

/**
 * Reads a global by name: a property of the global object or, if there is none, a `let`, `const` or `class` of the top level.
 */
export function getGlobal(name: string): unknown {
  if (has(realmGlobal, name)) return get(realmGlobal, name)
  if (!apply(test, IDENTIFIER, [name])) return undefined
  // typeof tells an absent name from a present one without a ReferenceError. Reserved words are syntax errors.
  try {
    return indirectEval(`typeof ${name} === 'undefined' ? undefined : ${name}\n//# sourceURL=glovebox:get`) as unknown
  } catch {
    return undefined
  }
}

export function setGlobal(name: string, value: unknown): void {
  // As an assignment in strict code: a read-only global is an error, not a silent no.
  if (!set(realmGlobal, name, value)) throw new TypeError(`Cannot assign to read only property '${name}' of the global object`)
}

export function deleteGlobal(name: string): boolean {
  return deleteProperty(realmGlobal, name)
}

/** Defines each own property of `values`, a plain object, as a global, whatever setters the guest put there. */
export function defineGlobals(values: unknown): void {
  // Not of anything else: the elements of a large typed array are more globals than a realm can hold.
  if (!isPlainObject(values)) throw new NativeTypeError('the globals are not an object')
  const keys = ownKeys(values)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as PropertyKey
    const value: unknown = get(values, key)
    defineProperty(realmGlobal, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true } as PropertyDescriptor)
  }
}

/** The own enumerable globals, but for those that `isBuiltIn`. */
export function snapshotGlobals(isBuiltIn: (name: string, described: PropertyDescriptor) => boolean): object {
  const snapshot: Record<string, unknown> = {}
  const keys = ownKeys(realmGlobal)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    if (typeof key !== 'string') continue
    const described = getOwnPropertyDescriptor(realmGlobal, key)
    if (described === undefined || described.enumerable !== true || isBuiltIn(key, described)) continue
    const value: unknown = get(realmGlobal, key)
    defineProperty(snapshot, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true } as PropertyDescriptor)
  }
  return snapshot
}

/** What a dotted path such as `a.b.c` names, and the object that it is a member of. */
export function resolvePath(path: string): { readonly owner: unknown; readonly target: unknown } {
  let owner: unknown
  let dot = apply(indexOf, path, ['.'])
  let target = getGlobal(dot < 0 ? path : apply(slice, path, [0, dot]))
  while (dot >= 0) {
    const next = apply(indexOf, path, ['.', dot + 1])
    owner = target
    if (owner === undefined || owner === null) break
    target = (owner as Record<string, unknown>)[apply(slice, path, next < 0 ? [dot + 1] : [dot + 1, next])]
    dot = next
  }
  return { owner, target }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = getPrototypeOf(value)
  return prototype === objectPrototype || prototype === null
}
