import {
  consoleCodec,
  type GuestMessage,
  hostCallCodec,
  outcomesCodec,
  readHandles,
  releasedByGuestCodec,
  unhandledCodec,
} from './guest-messages.ts'
import { advanceCodec, type ContextMessage, planCodec, type PresetThrew, presetThrewCodec } from './context-messages.ts'
import { namedCodecs, type NamedMessage } from './named-messages.ts'
import { dueCodec, type DueMessage } from './due-message.ts'
import { type Exhausted, exhaustedCodec } from './exhausted-message.ts'
import { limitsCodec, type LimitsMessage } from './channel-limits.ts'
import { type Limited, limitedCodec, type NearLimit, nearLimitCodec } from './limit-messages.ts'
import { defineLink, intList, optionalString, readOptionalString } from './link.ts'
import { type Hello, helloCodec, type Welcome, welcomeCodec } from './greeting.ts'
import { MAX_NAME } from './limits.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'
import { type Evidence, evidenceCodec } from './evidence-message.ts'
import { packPhase, type Phase, readPhase } from './report.ts'
import {
  cacheRefusedCodec,
  type CacheRefused,
  onceScriptCodec,
  onceScriptWithCodec,
  runScriptCodec,
  scriptCodec,
  type ScriptMessage,
} from './script-messages.ts'
import { vmCompileCodec, vmMeasureCodec, type VmMessage, vmRunCodec, vmSyncCodec } from './vm-messages.ts'

/**
 * Client → worker. `run` numbers the request: the client counts up from 1, and each is answered once. `context` numbers one of the channel's contexts, chosen by the client.
 * Messages marked "payload" end with a value.
 */
export type ClientToWorker =
  | DueMessage
  | NamedMessage
  | ScriptMessage
  | ContextMessage
  | LimitsMessage
  | VmMessage
  | Hello
  /** Evaluates `source` in `context`. */
  | RunMessage<'run'>
  /** Evaluates `source` in a context made for it alone. */
  | RunMessage<'once'>
  /** The same with globals: payload, an object. */
  | RunMessage<'onceWith'>
  /** Makes a context with globals: payload, an object. */
  | { readonly type: 'create'; readonly run: number; readonly context: number }
  | { readonly type: 'dispose'; readonly run: number; readonly context: number }
  | AccessMessage<'get'>
  /** Payload: the value. */
  | AccessMessage<'set'>
  | AccessMessage<'delete'>
  /** `name` is not used. */
  | AccessMessage<'globals'>
  /** Payload: an array of arguments. `name` may be a path, `a.b.c`. */
  | AccessMessage<'call'>
  /** Imports a module into `context`. `name` is not used. Payload: an array of specifier and lookups, or undefined for those of the context. Answered with an object of what the module exports. */
  | AccessMessage<'import'>
  /** Sets the lookups of a context, for `import()` in scripts. `name` is not used. Payload: see docs/protocol.md. */
  | AccessMessage<'modules'>
  /** Not answered by itself: the run that it names is. */
  | { readonly type: 'cancel'; readonly run: number }
  /** Calls a function of the guest's by its handle. Payload: an array of arguments. */
  | { readonly type: 'invoke'; readonly run: number; readonly context: number; readonly timeoutMs: number; readonly handle: number }
  /** Answered once nothing is pending in the context. `name` is not used. */
  | AccessMessage<'idle'>
  /** Evaluates `source`, then calls the function that it gives, or evaluates it again, for each input. Payload: an array of inputs. Answered by `outcomes`, and `failed` if it cannot go on. */
  | RunMessage<'many'>
  /** The client has taken the outcomes of a `many` run so far, and wants as many again. Not answered. */
  | { readonly type: 'more'; readonly run: number }
  /** Handles of the guest's functions that the client gives back: id and number, in turns. Not answered. */
  | { readonly type: 'releasedByHost'; readonly context: number; readonly handles: readonly number[] }
  /** Answers of `hostCall`, not answered themselves: what the function returned, or what its promise came to. Payload: the value. */
  | HostAnswer<'returned'>
  /** What it threw, or what its promise was rejected with. Payload: the value. */
  | HostAnswer<'raised'>
  /** A synchronous call gave a promise: the guest gets one, and `returned` or `raised` follows. */
  | HostAnswer<'promised'>

interface HostAnswer<Type extends string> {
  readonly type: Type
  readonly context: number
  readonly call: number
}

interface RunMessage<Type extends string> {
  readonly type: Type
  readonly run: number
  readonly context: number
  readonly timeoutMs: number
  readonly filename: string | undefined
  readonly source: string
}

interface AccessMessage<Type extends string> {
  readonly type: Type
  readonly run: number
  readonly context: number
  readonly timeoutMs: number
  readonly name: string
}

/** Worker → client. HOSTILE: guest code may own the sender. */
export type WorkerToClient =
  | GuestMessage
  | Limited
  | NearLimit
  | Evidence
  | CacheRefused
  | Exhausted
  | PresetThrew
  | Welcome
  /** Payload: the result. */
  | { readonly type: 'done'; readonly run: number }
  /** The guest threw. Payload: what it threw. */
  | { readonly type: 'threw'; readonly run: number }
  /** Failed for a reason of ours. `code` is a number of ERROR_CODES; times in milliseconds. */
  | {
      readonly type: 'failed'
      readonly run: number
      readonly code: number
      readonly message: string
      readonly phase: Phase
      readonly wallMs: number
      readonly cpuMs: number
    }

export const clientToWorker = defineLink<ClientToWorker>({
  ...namedCodecs,
  due: dueCodec,
  script: scriptCodec,
  runScript: runScriptCodec,
  onceScript: onceScriptCodec,
  onceScriptWith: onceScriptWithCodec,
  plan: planCodec,
  limits: limitsCodec,
  advance: advanceCodec,
  vmRun: vmRunCodec,
  vmSync: vmSyncCodec,
  vmCompile: vmCompileCodec,
  vmMeasure: vmMeasureCodec,
  hello: helloCodec,
  run: { code: 1, fields: 5, pack: packRun, unpack: (from) => unpackRun('run', from) },
  once: { code: 2, fields: 5, pack: packRun, unpack: (from) => unpackRun('once', from) },
  onceWith: { code: 3, fields: 5, payload: true, pack: packRun, unpack: (from) => unpackRun('onceWith', from) },
  create: {
    code: 4,
    fields: 2,
    payload: true,
    pack(out, message) {
      out.int(message.run)
      out.int(message.context)
    },
    unpack: (from) => ({ type: 'create', run: from.uint32(), context: from.uint32() }),
  },
  dispose: {
    code: 5,
    fields: 2,
    pack(out, message) {
      out.int(message.run)
      out.int(message.context)
    },
    unpack: (from) => ({ type: 'dispose', run: from.uint32(), context: from.uint32() }),
  },
  get: { code: 6, fields: 4, pack: packAccess, unpack: (from) => unpackAccess('get', from) },
  set: { code: 7, fields: 4, payload: true, pack: packAccess, unpack: (from) => unpackAccess('set', from) },
  delete: { code: 8, fields: 4, pack: packAccess, unpack: (from) => unpackAccess('delete', from) },
  globals: { code: 9, fields: 4, pack: packAccess, unpack: (from) => unpackAccess('globals', from) },
  call: { code: 10, fields: 4, payload: true, pack: packAccess, unpack: (from) => unpackAccess('call', from) },
  cancel: {
    code: 11,
    fields: 1,
    pack: (out, message) => out.int(message.run),
    unpack: (from) => ({ type: 'cancel', run: from.uint32() }),
  },
  invoke: {
    code: 12,
    fields: 4,
    payload: true,
    pack(out, message) {
      out.int(message.run)
      out.int(message.context)
      out.number(message.timeoutMs)
      out.int(message.handle)
    },
    unpack: (from) => ({ type: 'invoke', run: from.uint32(), context: from.uint32(), timeoutMs: from.uint32(), handle: from.uint32() }),
  },
  idle: { code: 13, fields: 4, pack: packAccess, unpack: (from) => unpackAccess('idle', from) },
  many: { code: 14, fields: 5, payload: true, pack: packRun, unpack: (from) => unpackRun('many', from) },
  more: {
    code: 15,
    fields: 1,
    pack: (out, message) => out.int(message.run),
    unpack: (from) => ({ type: 'more', run: from.uint32() }),
  },
  releasedByHost: {
    code: 16,
    fields: 2,
    pack(out, message) {
      out.int(message.context)
      intList(out, message.handles)
    },
    unpack: (from) => ({ type: 'releasedByHost', context: from.uint32(), handles: readHandles(from) }),
  },
  import: { code: 50, fields: 4, payload: true, pack: packAccess, unpack: (from) => unpackAccess('import', from) },
  modules: { code: 51, fields: 4, payload: true, pack: packAccess, unpack: (from) => unpackAccess('modules', from) },
  returned: { code: 17, fields: 2, payload: true, pack: packHostAnswer, unpack: (from) => unpackHostAnswer('returned', from) },
  raised: { code: 18, fields: 2, payload: true, pack: packHostAnswer, unpack: (from) => unpackHostAnswer('raised', from) },
  promised: { code: 19, fields: 2, pack: packHostAnswer, unpack: (from) => unpackHostAnswer('promised', from) },
})

export const workerToClient = defineLink<WorkerToClient>({
  cacheRefused: cacheRefusedCodec,
  limited: limitedCodec,
  nearLimit: nearLimitCodec,
  exhausted: exhaustedCodec,
  evidence: evidenceCodec,
  presetThrew: presetThrewCodec,
  hostCall: hostCallCodec,
  releasedByGuest: releasedByGuestCodec,
  console: consoleCodec,
  unhandled: unhandledCodec,
  outcomes: outcomesCodec,
  welcome: welcomeCodec,
  done: { code: 1, fields: 1, payload: true, pack: packAnswer, unpack: (from) => ({ type: 'done', run: from.uint32() }) },
  threw: { code: 2, fields: 1, payload: true, pack: packAnswer, unpack: (from) => ({ type: 'threw', run: from.uint32() }) },
  failed: {
    code: 3,
    fields: 6,
    pack(out, message) {
      out.int(message.run)
      out.int(message.code)
      out.string(message.message)
      packPhase(out, message.phase)
      out.number(message.wallMs)
      out.number(message.cpuMs)
    },
    unpack(from) {
      const run = from.uint32()
      const code = from.uint32()
      const message = from.string()
      const phase = readPhase(from)
      return { type: 'failed', run, code, message, phase, wallMs: from.number(), cpuMs: from.number() }
    },
  },
})

function packAnswer(out: MsgpackWriter, message: { readonly run: number }): void {
  out.int(message.run)
}

function packHostAnswer(out: MsgpackWriter, message: HostAnswer<string>): void {
  out.int(message.context)
  out.int(message.call)
}

function unpackHostAnswer<Type extends string>(type: Type, from: MsgpackReader): HostAnswer<Type> {
  return { type, context: from.uint32(), call: from.uint32() }
}

function packRun(out: MsgpackWriter, message: RunMessage<string>): void {
  out.int(message.run)
  out.int(message.context)
  out.number(message.timeoutMs)
  optionalString(out, message.filename)
  out.string(message.source)
}

function unpackRun<Type extends string>(type: Type, from: MsgpackReader): RunMessage<Type> {
  return {
    type,
    run: from.uint32(),
    context: from.uint32(),
    timeoutMs: from.uint32(),
    filename: readOptionalString(from, 3 * MAX_NAME),
    source: from.string(),
  }
}

function packAccess(out: MsgpackWriter, message: AccessMessage<string>): void {
  out.int(message.run)
  out.int(message.context)
  out.number(message.timeoutMs)
  out.string(message.name)
}

function unpackAccess<Type extends string>(type: Type, from: MsgpackReader): AccessMessage<Type> {
  return { type, run: from.uint32(), context: from.uint32(), timeoutMs: from.uint32(), name: from.string(3 * MAX_NAME) }
}
