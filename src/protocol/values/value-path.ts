import { ArrayOf, charCodeAt, setPrototypeOf, StringOf } from '../msgpack/intrinsics.ts'

/** How a step of a path is written. */
export const STEP_KEY = 0
export const STEP_MAP_VALUE = 1
export const STEP_MAP_KEY = 2
export const STEP_SET_ITEM = 3

/**
 * The way from the root to the value that is being written, so that an error can name it: `value.items[3].fn`, `value.get("k")`.
 * A step is stored only before going into something that is not a plain primitive.
 */
export class ValuePath {
  /** Null prototypes: nothing that guest code puts on Array.prototype is met. */
  readonly keys: unknown[] = setPrototypeOf(new ArrayOf<unknown>(), null)
  readonly steps: number[] = setPrototypeOf(new ArrayOf<number>(), null)

  /** The first `depth` steps. */
  text(depth: number): string {
    let text = 'value'
    for (let i = 0; i < depth; i++) text += step(this.steps[i] as number, this.keys[i])
    return text
  }

  clear(): void {
    // Cheaper than a new length; a key may be a guest's object, which nobody should keep alive.
    const { keys } = this
    for (let i = 0; i < keys.length; i++) keys[i] = undefined
  }
}

function step(kind: number, key: unknown): string {
  if (kind === STEP_MAP_VALUE) return `.get(${shown(key)})`
  if (kind === STEP_MAP_KEY) return `.keys()[${shown(key)}]`
  if (kind === STEP_SET_ITEM) return `.values()[${shown(key)}]`
  if (typeof key === 'string' && isIdentifier(key)) return `.${key}`
  return `[${shown(key)}]`
}

const LONGEST_KEY = 100

function shown(key: unknown): string {
  if (typeof key === 'string') return quoted(key)
  if (typeof key === 'bigint') return `${StringOf(key)}n`
  // Anything else could run code of its own.
  return key === null || typeof key === 'number' || typeof key === 'boolean' || key === undefined ? StringOf(key) : '…'
}

function quoted(text: string): string {
  let out = '"'
  const length = text.length > LONGEST_KEY ? LONGEST_KEY : text.length
  for (let i = 0; i < length; i++) {
    const unit = charCodeAt(text, i)
    if (unit === 0x22 || unit === 0x5c) out += '\\'
    // A path may end up in a log or on a terminal: no control characters.
    out += unit < 0x20 || unit === 0x7f ? '\ufffd' : text[i]
  }
  return length < text.length ? `${out}…"` : `${out}"`
}

function isIdentifier(text: string): boolean {
  if (text.length === 0 || text.length > LONGEST_KEY) return false
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    const letter = (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f || unit === 0x24
    if (!letter && (i === 0 || unit < 0x30 || unit > 0x39)) return false
  }
  return true
}
