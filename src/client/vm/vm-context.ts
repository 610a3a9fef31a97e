import type { Mirror } from '../../protocol/mirror/mirror.ts'
import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import { GRACE_MS, TIMEOUT_MS } from '../../protocol/limits.ts'
import type { VmSource } from '../../protocol/vm-messages.ts'
import type { Box } from '../box.ts'
import type { Context } from '../context.ts'
import {
  ConnectionError,
  ContextLostError,
  GuestError,
  LimitError,
  MemoryLimitError,
  OutputLimitError,
  ProtocolError,
  TimeoutError,
  ValueError,
  WorkerCrashError,
} from '../errors.ts'
import { currentFrame } from '../reentrance.ts'
import { checkSource } from '../run-options.ts'
import { runScript } from '../source-maps.ts'
import { type Importer, Importers } from './importers.ts'
import { executionInterrupted, executionTimeout } from './node-errors.ts'
import type { RunSettings } from './options.ts'
import { mirrorOf } from './mirrored-object.ts'

/** A context of a worker, and the object that its globals are kept in step with. */
export class VmContext implements AsyncDisposable {
  readonly #box: Promise<Box>
  readonly #mirror: Mirror
  readonly #context: Promise<Context>
  /** What its realm imports. */
  readonly importers = new Importers()
  #hasImporters = false
  #isLost = false
  /** What was asked of it last: one thing after the other, so that what is read back comes in order. */
  #last: Promise<unknown>

  constructor(box: Promise<Box>, object: object) {
    this.#box = box
    this.#mirror = mirrorOf(object)
    this.#context = this.#create()
    this.#last = this.#context.then((context) => this.#sync(context))
    this.#last.catch((error: unknown) => {
      this.#isLost ||= isEnd(error)
    })
  }

  /** Its worker is gone, and it with it, as far as anybody has noticed. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** When its worker has it, with what the object holds. */
  async made(): Promise<void> {
    await this.#last
  }

  /** Evaluates a source once `ready`, brings both sides in step, and resolves with the result, awaited if it is a promise. */
  run(source: VmSource, settings: RunSettings, ready: Promise<unknown> | undefined): Promise<unknown> {
    return this.#timed(settings, async (context, limitMs, signal) => {
      await ready
      checkSource(source.source, (await this.#box).policy.limits.maxSource)
      return this.#exchange(context, { type: 'vmRun', ...source }, limitMs, signal)
    })
  }

  /** Evaluates a module of {@link importers} and what it imports, and brings both sides in step. */
  async evaluateModule(key: string, settings: RunSettings): Promise<void> {
    await this.#timed(settings, async (context, limitMs, signal) => {
      const end = performance.now() + limitMs
      const leftMs = (): number => Math.max(1, Math.ceil(end - performance.now()))
      await this.#sync(context, leftMs())
      try {
        await context.vmImport([key, '', this.importers.lookups, false], leftMs(), signal)
      } catch (error) {
        await this.#readBack(context)
        throw error
      }
      await this.#sync(context, leftMs())
    })
  }

  /** What a module exports that was evaluated. */
  async exportsOf(key: string): Promise<object> {
    const exports = await this.#next((context) => context.vmImport([key, '', this.importers.lookups, true], TIMEOUT_MS.default, undefined))
    if (typeof exports !== 'object' || exports === null) throw new ProtocolError('ERR_PROTOCOL', 'the worker sent no exports')
    return exports
  }

  /** What `import()` in scripts of this name gives. */
  setImporter(filename: string, importer: Importer): void {
    this.importers.setScript(filename, importer)
    this.#useImporters()
  }

  /** What `import()` in other scripts gives. */
  setDefaultImporter(importer: Importer): void {
    this.importers.other = importer
    this.#useImporters()
  }

  #useImporters(): void {
    if (this.#hasImporters) return
    this.#hasImporters = true
    void this.#next((context) => context.vmModules(this.importers.lookups))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#context).dispose()
  }

  /** The context itself, for whoever drops it when the object is gone. */
  get context(): Promise<Context> {
    return this.#context
  }

  async #create(): Promise<Context> {
    const box = await this.#box
    const context = await box.createContext({}, { globals: 'ecmascript' })
    // Weakly: the bridge lives as long as the context does, and that should not be longer than its object.
    const self = new WeakRef(this)
    context.bridge.around = (call) => {
      const alive = self.deref()
      return alive === undefined ? call() : alive.#around(call)
    }
    return context
  }

  /**
   * A function of the guest's is called as node:vm does it: it sees what the host has changed, and the host what it changes. It does not wait for runs, since one of them may wait for it: the guest
   * gives a timer of the host's the function that ends its promise.
   */
  async #around(call: () => Promise<unknown>): Promise<unknown> {
    const context = await this.#context
    this.#mirror.assumeKnown()
    await this.#sync(context)
    try {
      return await call()
    } finally {
      this.#mirror.assumeKnown()
      await this.#sync(context)
    }
  }

  /** After all that was asked before. What a host function asks does not wait for the run that called it. */
  #next<Result>(ask: (context: Context) => Promise<Result>): Promise<Result> {
    const isInside = currentFrame() !== undefined
    const before = isInside ? this.#context : this.#last.catch(() => undefined).then(() => this.#context)
    const answer = before.then((context) => {
      if (isInside) this.#mirror.assumeKnown()
      return ask(context)
    })
    if (!isInside) this.#last = answer
    answer.catch(() => undefined)
    return answer
  }

  /** Asks within a deadline, and tells of its end as node:vm does. */
  #timed<Result>(
    { timeoutMs, breakOnSigint }: RunSettings,
    ask: (context: Context, limitMs: number, signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    return this.#next(async (context) => {
      const { policy } = await this.#box
      const limitMs = timeoutMs === undefined ? policy.defaultMs : Math.min(timeoutMs, policy.maxMs)
      const interrupt = breakOnSigint ? new Interrupt() : undefined
      try {
        return await ask(context, limitMs, interrupt?.signal)
      } catch (error) {
        if (error instanceof TimeoutError) throw executionTimeout(limitMs, error)
        throw error
      } finally {
        interrupt?.[Symbol.dispose]()
      }
    })
  }

  async #sync(context: Context, timeoutMs: number = TIMEOUT_MS.default): Promise<void> {
    await this.#exchange(context, { type: 'vmSync' }, timeoutMs)
  }

  async #exchange(
    context: Context,
    request: ({ readonly type: 'vmRun' } & VmSource) | { readonly type: 'vmSync' },
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const script = request.type === 'vmRun' ? runScript(request.source, request.filename, undefined) : undefined
    try {
      return this.#hear(await context.vm({ ...request, timeoutMs }, this.#mirror.tell(undefined), signal, script))
    } catch (error) {
      if (mayHaveChanged(error) || signal?.aborted === true) await this.#readBack(context)
      else if (error instanceof ValueError) this.#mirror.forgetTold()
      else this.#isLost ||= isEnd(error)
      throw error
    }
  }

  /** A run that failed has changed globals, too. What comes of reading them is no business of whoever ran it, and must not keep it much longer than its deadline: a getter may have no end. */
  async #readBack(context: Context): Promise<void> {
    try {
      this.#hear(await context.vm({ type: 'vmSync', timeoutMs: GRACE_MS }, this.#mirror.ask(), undefined))
    } catch (error) {
      this.#isLost ||= isEnd(error)
      this.#mirror.forgetTold()
    }
  }

  #hear(delta: unknown): unknown {
    try {
      return this.#mirror.hear(delta)
    } catch (error) {
      if (error instanceof CodecError) throw new ProtocolError('ERR_PROTOCOL', `the worker sent ${error.message}`)
      throw error
    }
  }
}

/** Whether the run was begun, and ended in a context that there still is. */
function mayHaveChanged(error: unknown): boolean {
  if (error instanceof LimitError) return error.code === 'ERR_CPU_LIMIT'
  return [GuestError, TimeoutError, OutputLimitError].some((type) => error instanceof type)
}

function isEnd(error: unknown): boolean {
  return [ContextLostError, WorkerCrashError, MemoryLimitError, ConnectionError].some((type) => error instanceof type)
}

/** Ends a run when this process gets SIGINT, which then does nothing else. */
class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  readonly #listeners = process.rawListeners('SIGINT')
  readonly #interrupt = (): void => this.#controller.abort(executionInterrupted())

  constructor() {
    process.removeAllListeners('SIGINT')
    process.on('SIGINT', this.#interrupt)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#interrupt)
    for (const listener of this.#listeners) process.on('SIGINT', listener as () => void)
  }
}
