import { MAX_CACHED_DATA_BYTES, MAX_NAME } from './limits.ts'
import { MalformedMessageError, type MessageCodec } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** Parameters of a function that is compiled, at most. */
const MAX_PARAMETERS = 65_535

/** A source as `node:vm` takes it. */
export interface VmSource {
  readonly filename: string
  readonly source: string
  /** Lines and columns by which places in it are off, as 32-bit integers. */
  readonly lineOffset: number
  readonly columnOffset: number
}

/** What the façade of `node:vm` asks of a worker. A context whose globals are kept in step with an object of the client's is an ordinary one until the first of these. */
export type VmMessage =
  /** Brings the globals in step by the payload, a delta, evaluates, and answers with a delta that holds the result: see `src/protocol/mirror/`. */
  | ({ readonly type: 'vmRun'; readonly run: number; readonly context: number; readonly timeoutMs: number } & VmSource)
  /** The same without a source. */
  | { readonly type: 'vmSync'; readonly run: number; readonly context: number; readonly timeoutMs: number }
  /**
   * Compiles a source, and runs nothing. Answered with an array: whether V8 refused the code cache, the URL of its source map, and a code cache if one is wanted. `parameters`: the source is the body of a
   * function with these.
   */
  | ({
      readonly type: 'vmCompile'
      readonly run: number
      /** 0: it is for none. */
      readonly context: number
      readonly parameters: readonly string[] | undefined
      readonly cachedData: Uint8Array | undefined
      readonly produceCachedData: boolean
    } & VmSource)
  /** Measures V8's memory, which runs a garbage collection: see {@link MeasuredMemory}. */
  | { readonly type: 'vmMeasure'; readonly run: number; readonly context: 0; readonly detailed: boolean }

/** What a worker answers: numbers of bytes. An estimate, its least and its most; of WebAssembly code and metadata; of each realm on its own, if that is wanted. */
export interface MeasuredMemory {
  readonly total: readonly [estimate: number, least: number, most: number]
  readonly wasm: readonly [code: number, metadata: number]
  readonly realms: readonly (readonly [estimate: number, least: number, most: number])[]
}

type CodecOf<Type extends VmMessage['type']> = MessageCodec<Extract<VmMessage, { readonly type: Type }>>

export const vmRunCodec: CodecOf<'vmRun'> = {
  code: 60,
  fields: 7,
  payload: true,
  pack(out, message) {
    packRequest(out, message)
    packSource(out, message)
  },
  unpack: (from) => ({ type: 'vmRun', ...unpackRequest(from), ...unpackSource(from) }),
}

export const vmSyncCodec: CodecOf<'vmSync'> = {
  code: 61,
  fields: 3,
  payload: true,
  pack: packRequest,
  unpack: (from) => ({ type: 'vmSync', ...unpackRequest(from) }),
}

export const vmCompileCodec: CodecOf<'vmCompile'> = {
  code: 62,
  fields: 9,
  pack(out, message) {
    out.int(message.run)
    out.int(message.context)
    packSource(out, message)
    const { parameters, cachedData } = message
    if (parameters === undefined) out.nil()
    else {
      out.arrayHeader(parameters.length)
      for (const parameter of parameters) out.string(parameter)
    }
    if (cachedData === undefined) out.nil()
    else out.bin(cachedData, cachedData.length)
    out.bool(message.produceCachedData)
  },
  unpack: (from) => ({
    type: 'vmCompile',
    run: from.uint32(),
    context: from.uint32(),
    ...unpackSource(from),
    parameters: unpackParameters(from),
    // Copied: the frame's bytes do not outlive the call.
    cachedData: from.nil() ? undefined : from.bin(MAX_CACHED_DATA_BYTES).slice(),
    produceCachedData: from.bool(),
  }),
}

export const vmMeasureCodec: CodecOf<'vmMeasure'> = {
  code: 63,
  fields: 2,
  pack(out, message) {
    out.int(message.run)
    out.bool(message.detailed)
  },
  unpack: (from) => ({ type: 'vmMeasure', run: from.uint32(), context: 0, detailed: from.bool() }),
}

function packRequest(out: MsgpackWriter, message: { readonly run: number; readonly context: number; readonly timeoutMs: number }): void {
  out.int(message.run)
  out.int(message.context)
  out.number(message.timeoutMs)
}

function unpackRequest(from: MsgpackReader): { run: number; context: number; timeoutMs: number } {
  return { run: from.uint32(), context: from.uint32(), timeoutMs: from.uint32() }
}

function packSource(out: MsgpackWriter, message: VmSource): void {
  out.string(message.filename)
  out.string(message.source)
  out.number(message.lineOffset)
  out.number(message.columnOffset)
}

function unpackSource(from: MsgpackReader): VmSource {
  return { filename: from.string(3 * MAX_NAME), source: from.string(), lineOffset: int32(from), columnOffset: int32(from) }
}

function unpackParameters(from: MsgpackReader): readonly string[] | undefined {
  if (from.nil()) return undefined
  const count = from.arrayHeader()
  if (count > MAX_PARAMETERS) throw new MalformedMessageError(`${count} parameters, over the cap of ${MAX_PARAMETERS}`)
  const parameters: string[] = []
  for (let i = 0; i < count; i++) parameters.push(from.string())
  return parameters
}

function int32(from: MsgpackReader): number {
  const value = from.number()
  if ((value | 0) !== value) throw new MalformedMessageError('an offset that is no 32-bit integer')
  return value
}
