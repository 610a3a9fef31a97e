import { intList, MalformedMessageError, type MessageCodec, readIntList } from './link.ts'
import { MAX_RELEASED } from './limits.ts'
import type { MsgpackReader } from './msgpack/reader.ts'

/**
 * What a context says of its own accord, without being asked by a request: the part of worker → client that the realm side packs by itself, inside the guest's realm. `context` is
 * the number that the client gave it.
 */
export type GuestMessage =
  /**
   * The guest calls function `fn` of the client's, on behalf of request `run`, or of none if that is 0. Payload: an array of arguments. `call` counts up within the context. While
   * `sync`, the worker does nothing else until it hears `returned`, `raised` or `promised`.
   */
  | {
      readonly type: 'hostCall'
      readonly context: number
      readonly call: number
      readonly fn: number
      readonly run: number
      readonly sync: boolean
    }
  /** Handles of the client's functions that the guest gives back: id and number, in turns. */
  | { readonly type: 'releasedByGuest'; readonly context: number; readonly handles: readonly number[] }
  /** A call of a console method. Payload: an array of its arguments. `dropped` calls before it were not sent. */
  | {
      readonly type: 'console'
      readonly context: number
      readonly level: number
      /** Milliseconds since 1970. */
      readonly timeMs: number
      readonly dropped: number
      readonly text: string
    }
  /** Nobody handled a rejection, or what a timer's callback threw. Payload: the reason. */
  | { readonly type: 'unhandled'; readonly context: number; readonly rejection: boolean }
  /** Outcomes of the next inputs of a `many` run, in order. Payload: an array of status and value in turns; see {@link OUTCOME}. After `done` none follow: the run is over. */
  | { readonly type: 'outcomes'; readonly run: number; readonly done: boolean }

/** Statuses in `outcomes`. */
export const OUTCOME = {
  fulfilled: 0,
  /** The guest threw; the value is what. */
  rejected: 1,
  /** Failed for a reason of ours; the value is an array of an error code's number, a message, and perhaps figures: {@link OUTCOME_FAILURE_FIELDS}. */
  failed: 2,
} as const
/** Of a failure that the worker tells: code, message, phase, wallMs, cpuMs, peakRssBytes. The realm side, which knows no figures, tells the first two. */
export const OUTCOME_FAILURE_FIELDS = 6

/** Levels of `console`, by their number on the wire. */
export const CONSOLE_LEVELS = ['debug', 'log', 'info', 'warn', 'error', 'trace'] as const
export type ConsoleLevel = (typeof CONSOLE_LEVELS)[number]

type CodecOf<Type extends GuestMessage['type']> = MessageCodec<Extract<GuestMessage, { readonly type: Type }>>

export const hostCallCodec: CodecOf<'hostCall'> = {
  code: 4,
  fields: 5,
  payload: true,
  pack(out, message) {
    out.int(message.context)
    out.int(message.call)
    out.int(message.fn)
    out.int(message.run)
    out.bool(message.sync)
  },
  unpack: (from) => ({
    type: 'hostCall',
    context: from.uint32(),
    call: from.uint32(),
    fn: from.uint32(),
    run: from.uint32(),
    sync: from.bool(),
  }),
}

export const releasedByGuestCodec: CodecOf<'releasedByGuest'> = {
  code: 5,
  fields: 2,
  // Said, because a guest may put a property of that name on Object.prototype.
  payload: false,
  pack(out, message) {
    out.int(message.context)
    intList(out, message.handles)
  },
  unpack: (from) => ({ type: 'releasedByGuest', context: from.uint32(), handles: readHandles(from) }),
}

export const consoleCodec: CodecOf<'console'> = {
  code: 6,
  fields: 5,
  payload: true,
  pack(out, message) {
    out.int(message.context)
    out.int(message.level)
    out.number(message.timeMs)
    out.int(message.dropped)
    out.string(message.text)
  },
  unpack(from) {
    const context = from.uint32()
    const level = from.uint32(CONSOLE_LEVELS.length - 1)
    return { type: 'console', context, level, timeMs: from.number(), dropped: from.uint32(), text: from.string() }
  },
}

export const unhandledCodec: CodecOf<'unhandled'> = {
  code: 7,
  fields: 2,
  payload: true,
  pack(out, message) {
    out.int(message.context)
    out.bool(message.rejection)
  },
  unpack: (from) => ({ type: 'unhandled', context: from.uint32(), rejection: from.bool() }),
}

export const outcomesCodec: CodecOf<'outcomes'> = {
  code: 8,
  fields: 2,
  payload: true,
  pack(out, message) {
    out.int(message.run)
    out.bool(message.done)
  },
  unpack: (from) => ({ type: 'outcomes', run: from.uint32(), done: from.bool() }),
}

/** Ids and counts in turns. */
export function readHandles(from: MsgpackReader): number[] {
  const handles = readIntList(from, 2 * MAX_RELEASED)
  if (handles.length % 2 !== 0) throw new MalformedMessageError('an id without its number of handles')
  return handles
}
