import { COMPILED_IMPORTS, MAX_CACHED_DATA_BYTES, MAX_NAME, MAX_SOURCE, MAX_SOURCE_MAP_BYTES } from './limits.ts'
import { type Hello, helloCodec, type Welcome, welcomeCodec } from './greeting.ts'
import { defineLink, MalformedMessageError, optionalNumber, optionalString, readOptionalNumber, readOptionalString } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'
import { readHash } from './script-messages.ts'

export const LANGUAGES = ['js', 'ts'] as const
export type Language = (typeof LANGUAGES)[number]
/** A script runs in a context; a module is imported into one. */
export const FORMATS = ['script', 'module'] as const
export type Format = (typeof FORMATS)[number]

/** UTF-8 bytes of the largest text of a source: three for each code unit. */
const MAX_SOURCE_BYTES = 3 * MAX_SOURCE.default

/** Client → compiler. `request` numbers the request: the client counts up from 1, and each is answered once. */
export type ClientToCompiler =
  | Hello
  | {
      readonly type: 'compile'
      readonly request: number
      readonly language: Language
      readonly format: Format
      readonly filename: string | undefined
      readonly source: string
      /** Whether to make V8's code cache, too. */
      readonly cache: boolean
      /** Whether to run nothing else meanwhile: a compiler died of this request, or of another that it worked on with it. */
      readonly alone: boolean
    }
  /** Not answered by itself. What has started goes on. */
  | { readonly type: 'cancel'; readonly request: number }

/** What a source imports. */
export interface SourceImport {
  /** `undefined` if a dynamic import computes it. */
  readonly specifier: string | undefined
  readonly dynamic: boolean
  /** Import attributes, such as `type: json`. Those of dynamic imports are not known. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Compiler → client. HOSTILE: sources of the client's tenant may own the sender. */
export type CompilerToClient =
  | Welcome
  /** A thread has begun. If the compiler dies before it answers, this request may be why. */
  | { readonly type: 'started'; readonly request: number }
  | {
      readonly type: 'compiled'
      readonly request: number
      /** Of what was asked for: src/base/source-hash.ts. */
      readonly hash: Uint8Array
      readonly code: string
      readonly imports: readonly SourceImport[]
      /** JSON, version 3. Absent where lines and columns of the code are those of the source. */
      readonly sourceMap: string | undefined
      readonly cachedData: Uint8Array | undefined
    }
  /** The source does not compile. Payload: the error. */
  | { readonly type: 'threw'; readonly request: number }
  /** Failed for a reason of ours. `code` is a number of ERROR_CODES. */
  | {
      readonly type: 'failed'
      readonly request: number
      readonly code: number
      readonly message: string
      readonly retryAfterMs: number | undefined
      readonly wallMs: number
    }

export const clientToCompiler = defineLink<ClientToCompiler>({
  hello: helloCodec,
  compile: {
    code: 1,
    fields: 7,
    pack(out, message) {
      out.int(message.request)
      out.int(LANGUAGES.indexOf(message.language))
      out.int(FORMATS.indexOf(message.format))
      out.bool(message.cache)
      out.bool(message.alone)
      optionalString(out, message.filename)
      out.string(message.source)
    },
    unpack(from) {
      const request = from.uint32()
      const language = LANGUAGES[from.uint32()]
      if (language === undefined) throw new MalformedMessageError('an unknown language')
      const format = FORMATS[from.uint32()]
      if (format === undefined) throw new MalformedMessageError('an unknown format')
      const cache = from.bool()
      const alone = from.bool()
      const filename = readOptionalString(from, 3 * MAX_NAME)
      return { type: 'compile', request, language, format, cache, alone, filename, source: from.string(MAX_SOURCE_BYTES) }
    },
  },
  cancel: {
    code: 2,
    fields: 1,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'cancel', request: from.uint32() }),
  },
})

export const compilerToClient = defineLink<CompilerToClient>({
  welcome: welcomeCodec,
  started: {
    code: 1,
    fields: 1,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'started', request: from.uint32() }),
  },
  compiled: {
    code: 2,
    fields: 6,
    pack(out, message) {
      out.int(message.request)
      out.bin(message.hash, message.hash.length)
      out.string(message.code)
      packImports(out, message.imports)
      optionalString(out, message.sourceMap)
      if (message.cachedData === undefined) out.nil()
      else out.bin(message.cachedData, message.cachedData.length)
    },
    unpack: (from) => ({
      type: 'compiled',
      request: from.uint32(),
      // Copied: the frame's bytes do not outlive the call.
      hash: readHash(from),
      code: from.string(MAX_SOURCE_BYTES),
      imports: unpackImports(from),
      sourceMap: readOptionalString(from, MAX_SOURCE_MAP_BYTES),
      cachedData: from.nil() ? undefined : from.bin(MAX_CACHED_DATA_BYTES).slice(),
    }),
  },
  threw: {
    code: 3,
    fields: 1,
    payload: true,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'threw', request: from.uint32() }),
  },
  failed: {
    code: 4,
    fields: 5,
    pack(out, message) {
      out.int(message.request)
      out.int(message.code)
      out.string(message.message)
      optionalNumber(out, message.retryAfterMs)
      out.number(message.wallMs)
    },
    unpack: (from) => ({
      type: 'failed',
      request: from.uint32(),
      code: from.uint32(),
      message: from.string(3 * MAX_NAME),
      retryAfterMs: readOptionalNumber(from),
      wallMs: from.number(),
    }),
  },
})

/** Each as an array: specifier, whether it is dynamic, and the attributes' names and values in turn. */
function packImports(out: MsgpackWriter, imports: readonly SourceImport[]): void {
  out.arrayHeader(imports.length)
  for (const { specifier, dynamic, attributes } of imports) {
    const names = Object.keys(attributes)
    out.arrayHeader(2 + 2 * names.length)
    optionalString(out, specifier)
    out.bool(dynamic)
    for (const name of names) {
      out.string(name)
      out.string(attributes[name] ?? '')
    }
  }
}

function unpackImports(from: MsgpackReader): SourceImport[] {
  const imports: SourceImport[] = []
  const count = from.arrayHeader(COMPILED_IMPORTS.max)
  for (let i = 0; i < count; i++) {
    const elements = from.arrayHeader(2 + 2 * COMPILED_IMPORTS.maxAttributes)
    if (elements < 2 || elements % 2 !== 0) throw new MalformedMessageError(`an import of ${elements} elements`)
    const specifier = readOptionalString(from, COMPILED_IMPORTS.maxTextBytes)
    const dynamic = from.bool()
    const attributes: [name: string, value: string][] = []
    for (let at = 2; at < elements; at += 2)
      attributes.push([from.string(COMPILED_IMPORTS.maxTextBytes), from.string(COMPILED_IMPORTS.maxTextBytes)])
    imports.push({ specifier, dynamic, attributes: Object.fromEntries(attributes) })
  }
  return imports
}
