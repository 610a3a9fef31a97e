import { HASH_BYTES, MAX_DETERMINISTIC_TEXT, MAX_PRESET_SCRIPTS, MAX_TIME_MS } from './limits.ts'
import { MalformedMessageError, type MessageCodec } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** What a context has before a preset's scripts run: the bare language and `console`, or the web's globals as well. */
export const GLOBALS = ['ecmascript', 'web'] as const
export type Globals = (typeof GLOBALS)[number]

/** Chance, clock, time zone and locale of a context that does the same each time. */
export interface Deterministic {
  readonly seed: string
  /** Milliseconds since 1970 that its clock shows at first. */
  readonly timeMs: number
  /** IANA name. */
  readonly timeZone: string
  /** BCP 47 tag. */
  readonly locale: string
  /** Its clock goes to the next timer by itself when nothing else is under way. */
  readonly autoAdvance: boolean
}

/** How contexts are made that are more, or less, than the default. */
export type ContextMessage =
  /** The context of that number, which the next request makes, is made like this. Not answered. */
  | ({ readonly type: 'plan'; readonly context: number } & ContextPlan)
  /** Lets the clock of a deterministic context go on by so many milliseconds. Answered by `done`, with the time that it shows then. */
  | { readonly type: 'advance'; readonly run: number; readonly context: number; readonly timeoutMs: number; readonly ms: number }

export interface ContextPlan {
  readonly globals: Globals
  /** How long each script of the preset may take, in milliseconds. */
  readonly timeoutMs: number
  /** Hashes of scripts that were sent before, in the order in which they run. */
  readonly scripts: readonly Uint8Array[]
  readonly deterministic: Deterministic | undefined
}

/** A script of the preset threw, instead of the answer to the request that wanted the context. Payload: what it threw. */
export interface PresetThrew {
  readonly type: 'presetThrew'
  readonly run: number
}

type CodecOf<Type extends ContextMessage['type']> = MessageCodec<Extract<ContextMessage, { readonly type: Type }>>

export const planCodec: CodecOf<'plan'> = {
  code: 70,
  fields: 5,
  pack(out, message) {
    out.int(message.context)
    out.int(GLOBALS.indexOf(message.globals))
    out.number(message.timeoutMs)
    out.arrayHeader(message.scripts.length)
    for (const hash of message.scripts) out.bin(hash, hash.length)
    packDeterministic(out, message.deterministic)
  },
  unpack(from) {
    const context = from.uint32()
    const globals = GLOBALS[from.uint32()]
    if (globals === undefined) throw new MalformedMessageError('unknown globals')
    return {
      type: 'plan',
      context,
      globals,
      timeoutMs: from.uint32(),
      scripts: readHashes(from),
      deterministic: readDeterministic(from),
    }
  },
}

export const advanceCodec: CodecOf<'advance'> = {
  code: 71,
  fields: 4,
  pack(out, message) {
    out.int(message.run)
    out.int(message.context)
    out.number(message.timeoutMs)
    out.number(message.ms)
  },
  unpack: (from) => ({ type: 'advance', run: from.uint32(), context: from.uint32(), timeoutMs: from.uint32(), ms: readTime(from, 0) }),
}

export const presetThrewCodec: MessageCodec<PresetThrew> = {
  code: 70,
  fields: 1,
  payload: true,
  pack: (out, message) => out.int(message.run),
  unpack: (from) => ({ type: 'presetThrew', run: from.uint32() }),
}

function readTime(from: MsgpackReader, minMs: number): number {
  const ms = from.number()
  if (!(ms >= minMs && ms <= MAX_TIME_MS)) throw new MalformedMessageError(`a time of ${ms} ms`)
  return ms
}

function readHashes(from: MsgpackReader): Uint8Array[] {
  const count = from.arrayHeader()
  if (count > MAX_PRESET_SCRIPTS) throw new MalformedMessageError(`a preset of ${count} scripts, over the cap of ${MAX_PRESET_SCRIPTS}`)
  const hashes: Uint8Array[] = []
  // Copied: the frame's bytes do not outlive the call.
  for (let i = 0; i < count; i++) hashes.push(from.bin(HASH_BYTES).slice())
  return hashes
}

/** How many elements {@link Deterministic} takes. */
const DETERMINISTIC_ELEMENTS = 5

function packDeterministic(out: MsgpackWriter, settings: Deterministic | undefined): void {
  if (settings === undefined) {
    out.nil()
    return
  }
  out.arrayHeader(DETERMINISTIC_ELEMENTS)
  out.string(settings.seed)
  out.number(settings.timeMs)
  out.string(settings.timeZone)
  out.string(settings.locale)
  out.bool(settings.autoAdvance)
}

function readDeterministic(from: MsgpackReader): Deterministic | undefined {
  if (from.nil()) return undefined
  if (from.arrayHeader() !== DETERMINISTIC_ELEMENTS) throw new MalformedMessageError('settings of another number')
  return {
    seed: from.string(3 * MAX_DETERMINISTIC_TEXT),
    timeMs: readTime(from, -MAX_TIME_MS),
    timeZone: from.string(3 * MAX_DETERMINISTIC_TEXT),
    locale: from.string(3 * MAX_DETERMINISTIC_TEXT),
    autoAdvance: from.bool(),
  }
}
