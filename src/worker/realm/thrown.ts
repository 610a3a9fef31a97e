const { apply } = Reflect
const NativeString = String

/** The parts of an error that every encoder can carry. */
interface PlainThrown {
  name: string
  message: string
  stack: string
}

/**
 * The least that can be told of something that was thrown and cannot be encoded as it is (a function among its properties, a hostile getter).
 * Never throws.
 */
export function plainThrown(thrown: unknown): PlainThrown {
  return { name: textOf(thrown, 'name', 'Error'), message: textOf(thrown, 'message', ''), stack: textOf(thrown, 'stack', '') }
}

/** A text property, own or inherited; `fallback` if reading it throws or gives anything else. */
function textOf(holder: unknown, key: string, fallback: string): string {
  try {
    if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null)
      return key === 'message' ? primitiveText(holder) : fallback
    const value = (holder as Record<string, unknown>)[key]
    return typeof value === 'string' ? value : fallback
  } catch {
    return fallback
  }
}

function primitiveText(value: unknown): string {
  try {
    return apply<undefined, [unknown], string>(NativeString, undefined, [value])
  } catch {
    return ''
  }
}
