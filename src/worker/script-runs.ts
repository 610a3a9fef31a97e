import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import { COMPLETED } from './guard.ts'
import type { ManyRuns } from './many-runs.ts'
import { Op, Status } from './realm/record.ts'
import type { RunAtWork } from './run-at-work.ts'
import { type CompiledScript, namedSource } from './scripts.ts'
import type { WorkerParts } from './worker-parts.ts'

/** A script whose last run took no longer than this is expected to be as quick again, in milliseconds. */
const QUICK_MS = 0.2

interface ManyRequest {
  readonly run: number
  readonly source: string
  readonly filename: string | undefined
}

/** Compiles the sources of one channel and has the request at work evaluate them. */
export class ScriptRuns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #answers: Answers
  readonly #work: RunAtWork

  constructor(parts: WorkerParts, channel: number, answers: Answers, work: RunAtWork) {
    this.#parts = parts
    this.#channel = channel
    this.#answers = answers
    this.#work = work
  }

  evaluate(context: ChannelContext, source: string, filename: string | undefined): void {
    this.#work.filename = filename
    if (!this.#work.admits(source.length)) return
    const compiled = this.#compile(source, filename)
    if (compiled !== undefined) this.enter(context, compiled)
  }

  enter(context: ChannelContext, compiled: CompiledScript): void {
    const { guard } = this.#parts
    // Answers of runs before this one must not wait for one that may take long.
    if (!compiled.quick) this.#answers.relieve()
    const ending = guard.evaluate(compiled.script, context.realm, this.#work.deadlineMs)
    this.#work.tookMs = performance.now() - this.#work.startedMs
    compiled.quick = this.#work.tookMs < QUICK_MS
    this.#work.evaluated(context, ending, guard.value)
  }

  /** A script that the client sent before. Undefined if that fails, which is then answered. */
  uploaded(hash: Uint8Array): CompiledScript | undefined {
    let known = true
    const compiled = this.#work.parsed(() => {
      const found = this.#parts.uploads.get(this.#channel, hash, () => this.#answers.cacheRefused(hash))
      known = found !== undefined
      return found
    })
    if (!known) this.#work.fail('ERR_SCRIPT_UNKNOWN', 'this worker does not have this script', 'compile')
    this.#work.filename = compiled?.filename
    return compiled
  }

  /** Begins a run with many inputs, of which `many` takes care from then on. */
  beginMany(context: ChannelContext, request: ManyRequest, inputs: Uint8Array, timeoutMs: number, many: ManyRuns): void {
    const { run, source, filename } = request
    const compiled = this.#compile(source, filename)
    if (compiled === undefined || !this.#work.give(context, inputs)) return
    const { realm } = context
    // What is evaluated again for each input is the source itself, under its name.
    realm.record.name = namedSource(source, filename)
    realm.record.run = run
    const ending = realm.step(Op.manyBegin, this.#work.deadlineMs)
    if (ending !== COMPLETED || realm.record.status !== Status.done) {
      this.#work.answer(context, ending)
      return
    }
    this.#answers.relieve()
    many.begin(context, { run, timeoutMs, filename, source }, compiled, realm.record.code)
  }

  #compile(source: string, filename: string | undefined): CompiledScript | undefined {
    return this.#work.parsed(() => this.#parts.scripts.get(source, filename))
  }
}
