import type { ClientToWorker } from '../protocol/channel-link.ts'
import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import type { ContextTurns } from './context-turns.ts'
import { COMPLETED } from './guard.ts'
import type { ManyRuns } from './many-runs.ts'
import { Op, Status } from './realm/record.ts'
import type { RequestLimits } from './request-limits.ts'
import type { RunAtWork } from './run-at-work.ts'
import type { ScriptRuns } from './script-runs.ts'
import type { VmRuns } from './vm-runs.ts'

/** What is asked of a context that there is. */
type ContextRequest = Exclude<
  Extract<ClientToWorker, { readonly run: number; readonly context: number; readonly timeoutMs: number }>,
  { readonly type: 'once' | 'onceWith' | 'onceScript' | 'onceScriptWith' | 'attach' | 'limits' }
>

interface PartsOfChannel {
  readonly answers: Answers
  readonly cancelled: ReadonlySet<number>
  readonly limits: RequestLimits
  readonly many: ManyRuns
  readonly scripts: ScriptRuns
  readonly turns: ContextTurns
  readonly vm: VmRuns
  readonly work: RunAtWork
}

/** Serves the request at work in a context that there is: once, by an answer or by what waits from then on. */
export class ContextRequests {
  readonly #maxTimeoutMs: number
  readonly #channel: PartsOfChannel

  constructor(maxTimeoutMs: number, channel: PartsOfChannel) {
    this.#maxTimeoutMs = maxTimeoutMs
    this.#channel = channel
  }

  serve(context: ChannelContext, request: ContextRequest, payload: Uint8Array): void {
    const { answers, cancelled, limits, many, scripts, turns, vm, work } = this.#channel
    const { record } = context.realm
    record.origin = work.number
    if (context.pending.size === 0) context.allowCalls(work.startedMs)
    work.in(context, limits.ofRun(request.run, context.limits))
    switch (request.type) {
      case 'run':
        scripts.evaluate(context, request.source, request.filename)
        return
      case 'runScript': {
        const compiled = scripts.uploaded(request.hash)
        if (compiled !== undefined && work.admits(compiled.length)) scripts.enter(context, compiled)
        return
      }
      case 'many':
        record.unread = true
        scripts.beginMany(context, request, payload, Math.min(request.timeoutMs, this.#maxTimeoutMs), many)
        // While its first input waited for the host.
        if (cancelled.has(request.run)) many.cancel(request.run)
        return
      case 'advance':
        this.#advance(context, request.ms)
        return
      case 'vmRun':
        record.unread = true
        vm.run(context, request, payload)
        return
      case 'vmSync':
        record.unread = true
        vm.sync(context, payload)
        return
      case 'idle':
        turns.waitForIdle(work.toWaiting(context))
        return
      case 'set':
      case 'call':
        record.unread = true
        if (!work.give(context, payload)) return
        record.name = request.name
        if (request.type === 'call') answers.relieve()
        work.step(context, request.type === 'set' ? Op.set : Op.call)
        return
      case 'import':
      case 'modules':
        record.unread = true
        if (!work.give(context, payload)) return
        context.realm.allowModules(context.limits.maxSource)
        work.step(context, request.type === 'import' ? Op.import : Op.modules)
        return
      case 'invoke':
        record.unread = true
        if (!work.give(context, payload)) return
        record.code = request.handle
        answers.relieve()
        work.step(context, Op.invoke)
        return
      default:
        record.name = request.name
        work.step(context, OP_OF[request.type])
    }
  }

  /** One timer a step, so that jobs run in between; all of them within the deadline. */
  #advance(context: ChannelContext, ms: number): void {
    const { realm } = context
    const { answers, work } = this.#channel
    answers.relieve()
    realm.record.value = ms
    let ending = realm.step(Op.advance, work.deadlineMs)
    while (ending === COMPLETED && realm.record.status === Status.primitive && realm.record.code === 1)
      ending = realm.step(Op.advanceOn, work.deadlineMs)
    work.answer(context, ending)
  }
}

const OP_OF = { get: Op.get, delete: Op.delete, globals: Op.globals } as const
