/** One C function as `node:ffi` names its types: `int32`, `uint64`, `pointer` … */
interface Signature {
  readonly arguments: readonly string[]
  readonly return: string
}

type Call = (...args: (number | bigint)[]) => number | bigint

/** The part of `node:ffi` (Node ≥ 26, experimental) that is used here. */
interface Ffi {
  dlopen(library: null, signatures: Record<string, Signature>): { readonly functions: Record<string, Call> }
  getRawPointer(buffer: ArrayBuffer | ArrayBufferView): bigint
  toArrayBuffer(pointer: bigint, bytes: number, copy: boolean): ArrayBuffer
}

export interface Libc<Name extends string> {
  readonly functions: Readonly<Record<Name, Call>>
  /** The address of a buffer's bytes. The caller keeps the buffer alive while C may use the address. */
  addressOf(buffer: ArrayBuffer | ArrayBufferView): bigint
  /** A view of memory that C owns. */
  viewOf(address: bigint, bytes: number): ArrayBuffer
}

/**
 * Binds functions of the C library that this process already has loaded, so that no library name is needed
 * (glibc and musl alike). `undefined` where there is no `node:ffi`, it is not permitted, or the platform is not Linux:
 * struct layouts and numbers at the callers are those of Linux.
 */
export function bindLibc<Name extends string>(signatures: Readonly<Record<Name, Signature>>): Libc<Name> | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const ffi = quietly(() => process.getBuiltinModule('node:ffi') as unknown as Ffi)
    const { functions } = ffi.dlopen(null, signatures)
    return {
      functions: functions as Record<Name, Call>,
      addressOf: (buffer) => ffi.getRawPointer(buffer),
      viewOf: (address, bytes) => ffi.toArrayBuffer(address, bytes, false),
    }
  } catch {
    return undefined
  }
}

/** Without the warning that the module is experimental: it would show in the terminal of everyone who embeds a daemon. */
function quietly<Result>(load: () => Result): Result {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => undefined
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
