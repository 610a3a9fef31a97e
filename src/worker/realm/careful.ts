/** Reads what may be a hostile object: what its getters and traps throw is nobody's business. One that never ends meets the deadline. */
export function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** A property, own or inherited. */
export function read(holder: object, key: string | number): unknown {
  return attempt(() => (holder as Record<string | number, unknown>)[key])
}

/** A property that is text. */
export function readText(holder: unknown, key: string): string | undefined {
  const value = isObject(holder) ? read(holder, key) : undefined
  return typeof value === 'string' ? value : undefined
}
