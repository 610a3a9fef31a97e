/** Nesting that a value may have unless the caller says otherwise. */
export const DEFAULT_MAX_DEPTH = 100
/** The codec is recursive: more could overflow the stack of a guest that is already deep in calls. */
export const MAX_MAX_DEPTH = 1000
/** Elements, properties and entries of one message. An identity map holds 2^24 at most. */
export const DEFAULT_MAX_ITEMS = 10_000_000
/** Bytes of one BigInt: what a decoder does with it may take time that grows faster than its size. */
export const MAX_BIGINT_BYTES = 64 * 1024
/** Sum of `maxByteLength` of the resizable buffers of one message: address space is reserved for it. */
export const MAX_RESERVED_BYTES = 256 * 1024 * 1024

/** Code units of the source of a RegExp: compiling one takes time and stack. */
export const MAX_REGEXP_LENGTH = 65536

/** Code units of a function's name. */
export const MAX_FUNCTION_NAME = 100

/** No property of this name has a function as its value: no value that crosses is a thenable. */
export const THEN = 'then'

export interface ValueLimits {
  /** Containers inside each other, at most. 1 to 1000, default 100. */
  readonly maxDepth?: number
  /** Elements, properties and entries in one message, at most. Default 10 million. */
  readonly maxItems?: number
}

/** A function as it travels. */
export interface FunctionHandle {
  /** 0 to 2^32 - 1, in the sender's table, or in the receiver's if it `returns`. */
  readonly id: number
  readonly isAsync: boolean
  readonly returns: boolean
  /** What the function is called; at most {@link MAX_FUNCTION_NAME} code units. */
  readonly name: string
}

/** An object that stays where it is, as it travels: `kind` is one of the KIND numbers from KIND_ASYNC_ITERABLE on. */
export interface RemoteObject {
  readonly kind: number
  readonly parts: readonly unknown[]
}

export interface WriteValueOptions extends ValueLimits {
  /** Makes a function a handle, or returns undefined to refuse it. Without this hook functions are refused. */
  readonly functionOut?: (fn: object, isAsync: boolean) => FunctionHandle | undefined
  /** Takes an object apart that cannot be copied, returns undefined if it does not know it, or says what it is that cannot cross. */
  readonly remoteOut?: (value: object) => RemoteObject | string | undefined
  /** Whether errors cross with their stack, which names files of this process. Default true. */
  readonly errorStacks?: boolean
}

export interface ReadValueOptions extends ValueLimits {
  /** Makes the function for a handle. Without this hook handles are refused. What it throws is passed on. */
  readonly functionIn?: (handle: FunctionHandle) => unknown
  /** Makes the object for its parts, which are not checked yet. Without this hook such objects are refused. What it throws is passed on. */
  readonly remoteIn?: (kind: number, parts: readonly unknown[]) => object
}

export function depthLimit(limits: ValueLimits | undefined): number {
  const depth = limits?.maxDepth ?? DEFAULT_MAX_DEPTH
  return depth > MAX_MAX_DEPTH ? MAX_MAX_DEPTH : depth
}
