import { HASH_BYTES, MAX_CACHED_DATA_BYTES, MAX_NAME } from './limits.ts'
import { MalformedMessageError, type MessageCodec, optionalString, readOptionalString } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** Compiled scripts on a channel: a worker is sent one once, and then its hash. Hashes are the client's, and a channel's own: no other client meets what was sent under one. */
export type ScriptMessage =
  /** Keeps a script under its hash, for as long as there is room. Not answered. */
  | {
      readonly type: 'script'
      readonly hash: Uint8Array
      readonly filename: string | undefined
      readonly code: string
      /** V8's code cache, which the worker uses if V8 takes it. */
      readonly cachedData: Uint8Array | undefined
    }
  /** Evaluates a script in `context`. Fails with ERR_SCRIPT_UNKNOWN, and nothing has happened, if the worker does not have it. */
  | RunScriptMessage<'runScript'>
  /** In a context made for it alone. */
  | RunScriptMessage<'onceScript'>
  /** The same with globals: payload, an object. */
  | RunScriptMessage<'onceScriptWith'>

interface RunScriptMessage<Type extends string> {
  readonly type: Type
  readonly run: number
  readonly context: number
  readonly timeoutMs: number
  readonly hash: Uint8Array
}

/** V8 refused the code cache that came with a script: another version made it, or other flags. The script was compiled without. */
export interface CacheRefused {
  readonly type: 'cacheRefused'
  readonly hash: Uint8Array
}

type CodecOf<Type extends ScriptMessage['type']> = MessageCodec<Extract<ScriptMessage, { readonly type: Type }>>

export const scriptCodec: CodecOf<'script'> = {
  code: 40,
  fields: 4,
  pack(out, message) {
    out.bin(message.hash, message.hash.length)
    optionalString(out, message.filename)
    out.string(message.code)
    optionalBytes(out, message.cachedData)
  },
  unpack: (from) => ({
    type: 'script',
    // Copied: the frame's bytes do not outlive the call.
    hash: readHash(from),
    filename: readOptionalString(from, 3 * MAX_NAME),
    code: from.string(),
    cachedData: readOptionalBytes(from, MAX_CACHED_DATA_BYTES),
  }),
}

export const runScriptCodec: CodecOf<'runScript'> = {
  code: 41,
  fields: 4,
  pack: packRun,
  unpack: (from) => unpackRun('runScript', from),
}

export const onceScriptCodec: CodecOf<'onceScript'> = {
  code: 42,
  fields: 4,
  pack: packRun,
  unpack: (from) => unpackRun('onceScript', from),
}

export const onceScriptWithCodec: CodecOf<'onceScriptWith'> = {
  code: 43,
  fields: 4,
  payload: true,
  pack: packRun,
  unpack: (from) => unpackRun('onceScriptWith', from),
}

export const cacheRefusedCodec: MessageCodec<CacheRefused> = {
  code: 40,
  fields: 1,
  pack: (out, message) => out.bin(message.hash, message.hash.length),
  unpack: (from) => ({ type: 'cacheRefused', hash: readHash(from) }),
}

function packRun(out: MsgpackWriter, message: RunScriptMessage<string>): void {
  out.int(message.run)
  out.int(message.context)
  out.number(message.timeoutMs)
  out.bin(message.hash, message.hash.length)
}

function unpackRun<Type extends string>(type: Type, from: MsgpackReader): RunScriptMessage<Type> {
  return { type, run: from.uint32(), context: from.uint32(), timeoutMs: from.uint32(), hash: readHash(from) }
}

function optionalBytes(out: MsgpackWriter, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) out.nil()
  else out.bin(bytes, bytes.length)
}

function readOptionalBytes(from: MsgpackReader, maxBytes: number): Uint8Array | undefined {
  return from.nil() ? undefined : from.bin(maxBytes).slice()
}

/** A name of exactly so many bytes. */
export function readHash(from: MsgpackReader): Uint8Array {
  const hash = from.bin(HASH_BYTES)
  if (hash.length !== HASH_BYTES) throw new MalformedMessageError(`a hash of ${hash.length} bytes instead of ${HASH_BYTES}`)
  return hash.slice()
}
