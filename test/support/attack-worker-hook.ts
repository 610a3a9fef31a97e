/**
 * Makes a worker that does not hold: a source which begins with the marker is evaluated as full JavaScript in the worker's main realm, as if its guest had broken out of every
 * realm, with what the boot could reach still in scope. For tests of what is left then. No part of any build that ships.
 */
import { createRequire } from 'node:module'
import { inspect, types } from 'node:util'
import { bindKernel } from '../../src/confinement/kernel.ts'
import { internalBinding } from '../../src/confined/internals.ts'
import { type CompiledScript, ScriptCache } from '../../src/worker/scripts.ts'
import { MARKER } from './attack-worker-marker.ts'

// What Node loads late, and could not under L3: an attack should meet the kernel, not an assertion of Node's.
void [require('node:os'), require('node:dns')]

const kernel = bindKernel()
if (kernel === undefined) throw new Error('node:ffi is not available')
const { globalThis: main, process } = globalThis as typeof globalThis & { process: NodeJS.Process }

/** Memory for attacks, at an address that was asked for in time: the permission model keeps node:ffi from telling others later. */
const arena = Buffer.alloc(4 * 1024 * 1024)
const base = kernel.libc.addressOf(arena)
let used = 0

/** Copies bytes to memory of their own, on an address that suits every struct. */
function place(bytes: Uint8Array): bigint {
  const offset = used
  used = (used + bytes.length + 63) & ~63
  if (used > arena.length) throw new Error('no memory is left for attacks')
  arena.set(bytes, offset)
  return base + BigInt(offset)
}

/** What an attack finds in scope, besides the emptied main realm. */
const SCOPE = {
  process,
  // Of the worker's own file: built-in modules.
  require: createRequire(__filename),
  internalBinding,
  Buffer,
  setTimeout,
  /** A raw system call: a result, or minus errno. */
  syscall: (number: number, ...args: (number | bigint)[]): number => kernel.syscall(number, ...args),
  /** The address of a copy of some bytes, or of a text with the NUL that C expects. */
  at: (data: Uint8Array | string): bigint => place(typeof data === 'string' ? Buffer.from(`${data}\0`) : data),
  /** The bytes at such an address now. */
  peek: (address: bigint, bytes: number): Buffer => Buffer.from(arena.subarray(Number(address - base), Number(address - base) + bytes)),
} as const

type Outcome = { readonly threw: boolean; readonly text: string; readonly json: string | undefined }

const running = new Map<string, Outcome | undefined>()

function outcomeOf(threw: boolean, value: unknown): Outcome {
  const text = inspect(value, { depth: 4 })
  try {
    const said = threw && value instanceof main.Error ? main.Object.assign({ message: value.message }, value) : value
    return { threw, text, json: JSON.stringify(said, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) }
  } catch {
    return { threw, text, json: undefined }
  }
}

function start(id: string, source: string): void {
  running.set(id, undefined)
  try {
    const names = Object.keys(SCOPE)
    // A direct eval: its completion value counts, and what it declares stays its own.
    const evaluate = main.eval(`(function (${names.join()}) { return (source) => eval(source) })`) as (
      ...scope: unknown[]
    ) => (source: string) => unknown
    const value = evaluate(...Object.values(SCOPE))(source)
    main.Promise.resolve(value).then(
      (settled) => running.set(id, outcomeOf(false, settled)),
      (error: unknown) => running.set(id, outcomeOf(true, error)),
    )
    if (!types.isPromise(value)) running.set(id, outcomeOf(false, value))
  } catch (error) {
    running.set(id, outcomeOf(true, error))
  }
}

const get: (this: ScriptCache, source: string, filename?: string) => CompiledScript = main.Reflect.get(ScriptCache.prototype, 'get')

/** A marked source names itself on its first line; asked again, it only tells what came of it. The answer is a script whose value is a text. */
ScriptCache.prototype.get = function (source, filename) {
  if (!source.startsWith(MARKER)) return get.call(this, source, filename)
  const end = source.indexOf('\n')
  const id = source.slice(MARKER.length, end)
  if (!running.has(id)) start(id, source.slice(end + 1))
  return get.call(this, `(${JSON.stringify(JSON.stringify(running.get(id) ?? null))})`, filename)
}
