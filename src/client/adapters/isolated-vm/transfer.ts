/** How a value crosses: as isolated-vm's TransferOptions. Primitives cross in any case. */
export interface TransferOptions {
  /** As a copy. */
  readonly copy?: boolean
  /** As an {@link ExternalCopy}. */
  readonly externalCopy?: boolean
  /** As a Reference to where it is. */
  readonly reference?: boolean
  /** Awaited first. */
  readonly promise?: boolean
}

const COPIES = new WeakMap<object, unknown>()

/** A value that crosses as a copy, made at once. */
export class ExternalCopy<Value = unknown> {
  constructor(value: Value) {
    COPIES.set(this, structuredClone(value))
  }

  copy(): Value {
    return structuredClone(copyOf(this)) as Value
  }

  /** For arguments: there, it is a copy. */
  copyInto(): this {
    return this
  }

  release(): void {
    COPIES.delete(this)
  }
}

export function copyOf(external: object): unknown {
  if (!COPIES.has(external)) throw new Error('ExternalCopy has been released')
  return COPIES.get(external)
}

export interface CallbackOptions {
  /** The guest gets a promise. */
  readonly async?: boolean
  /** The guest gets undefined, and does not hear of what is thrown. */
  readonly ignored?: boolean
}

/** A function of this process that guests call as one of theirs: arguments and result are copied. */
export class Callback {
  /** @internal */
  readonly fn: (...args: unknown[]) => unknown

  constructor(given: (...args: never[]) => unknown, { async: isAsync = false, ignored = false }: CallbackOptions = {}) {
    if (typeof given !== 'function') throw new TypeError('First argument to Callback constructor must be a function')
    if (isAsync && ignored) throw new TypeError("Only one of 'async' or 'ignored' may be used")
    const fn = given as (...args: unknown[]) => unknown
    const call = async (args: unknown[]): Promise<unknown> => fn(...args)
    this.fn = isAsync
      ? async (...args) => call(args)
      : ignored
        ? (...args) => {
            call(args).catch(() => undefined)
          }
        : (...args) => fn(...args)
  }
}

export const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')

export const notTransferable = (): TypeError => new TypeError('A non-transferable value was passed')

/** For a method that would have to wait for another process. */
export function noSync(method: string, instead: string): () => never {
  return () => {
    throw new Error(`${method}() cannot exist: the isolate is another process. Use await ${instead}`)
  }
}
