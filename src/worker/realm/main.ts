import { isArgumentList } from '../../protocol/arguments.ts'
import type { Deterministic } from '../../protocol/context-messages.ts'
import { MAX_ARGUMENTS } from '../../protocol/limits.ts'
import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import { isArray } from '../../protocol/msgpack/intrinsics.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { RemoteObjects } from '../../protocol/remote/remote-objects.ts'
import { installConsole } from './console-events.ts'
import { now, useVirtualClock, VirtualClock, virtualClock } from './clock.ts'
import { createRecord } from './create-record.ts'
import { deferFinalization } from './finalization.ts'
import { Functions } from './functions.ts'
import { codeOf, limitName } from './guest-error.ts'
import { ManyRuns } from './many.ts'
import { Imports } from './modules/imports.ts'
import { notGiven } from './modules/module-errors.ts'
import { MirroredGlobal } from './mirrored.ts'
import { defineGlobals, deleteGlobal, getGlobal, resolvePath, setGlobal, snapshotGlobals } from './names.ts'
import { NearLimits } from './near-limits.ts'
import { Outbox } from './outbox.ts'
import { Outcome } from './outcome.ts'
import { countOutsidePromises } from './outside.ts'
import { putExcerpt } from './parser-errors.ts'
import { type Bridge, Op, type RealmRecord, Status } from './record.ts'
import { mayBeRemote, remotePlatform } from './remote-platform.ts'
import { isThenable, Settlement } from './settlement.ts'
import { formatStack, warmUpStacks } from './stacks.ts'
import { likenessOf, writeThrown } from './thrown.ts'
import { createTimers } from './timers.ts'
import { UnhandledErrors } from './unhandled.ts'
import { type Crossing, RealmValues } from './values.ts'
import { createWebServices, useDeterministicServices } from './web-host.ts'
import { installWebGlobals } from './web/install.ts'
import { WebLibraries } from './web/libraries.ts'

const { apply, setPrototypeOf } = Reflect
const NativePromise = Promise
const { reject: rejectPromise } = NativePromise

/** What the worker takes from the setup script, once. */
export interface RealmSide {
  readonly record: RealmRecord
  readonly hooks: {
    readonly formatStack: typeof formatStack
    readonly importModule: Imports['importModule']
    readonly importMeta: Imports['importMeta']
    readonly rejected: (event: unknown, promise: unknown, reason: unknown) => void
  }
  /** Gives the realm side its way to ask the worker, and the realm its globals: the web's, or but the console besides those of the language. */
  readonly connect: (bridge: Bridge, isWeb: boolean) => void
}

/**
 * Sets up the realm side and returns its one entry: a function that does what the record says. It is called by a constant script, inside the guard, and never by guest code, which has no way to name it.
 */
export function createRealm(): (() => void) & Partial<RealmSide> {
  const writer = new MsgpackWriter()
  const record = createRecord(writer.bytes)

  let connected: Bridge | undefined
  const bridge: Bridge = (request) => (connected === undefined ? -1 : connected(request))
  const outbox = new Outbox(record, bridge)
  const near = new NearLimits(record, outbox)
  const unhandled = new UnhandledErrors(record)
  const settlement = new Settlement(record)
  let functions: Functions | undefined
  let crossing: Crossing | undefined
  const values: RealmValues = new RealmValues(record, () => (crossing ??= createCrossing()))
  const outcome = new Outcome(record, writer, values)
  let manyRuns: ManyRuns | undefined
  const theManyRuns = (): ManyRuns => (manyRuns ??= new ManyRuns(globalThis, record, values, settlement))
  let imports: Imports | undefined
  const theImports = (): Imports => (imports ??= new Imports(record, bridge, settlement))
  let remotes: RemoteObjects | undefined
  const theFunctions = (): Functions =>
    (functions ??= new Functions(record, outbox, bridge, values, near, {
      isListener: (fn) => remotes?.isListener(fn) === true,
      dropped: (fn, wasSent) => remotes?.dropped(fn, wasSent),
    }))
  const theRemotes = (): RemoteObjects => (remotes ??= new RemoteObjects(remotePlatform(theFunctions(), web)))
  const crossingFunctions = (): Functions => {
    if (record.dataOnly) throw new CodecError('ERR_VALUE_UNSUPPORTED', 'functions do not cross to or from a named context')
    return theFunctions()
  }
  const crossingRemotes = (): RemoteObjects => {
    if (record.dataOnly)
      throw new CodecError('ERR_VALUE_UNSUPPORTED', 'streams, iterables and signals do not cross to or from a named context')
    return theRemotes()
  }
  let mirrored: MirroredGlobal | undefined
  const theMirrored = (): MirroredGlobal =>
    (mirrored ??= new MirroredGlobal({
      global: globalThis,
      isBuiltIn: (name, described) => isBuiltIn(name, described),
      isImported: (fn) => functions?.isImported(fn) === true,
      isRemote: (value) => mayBeRemote(value, web),
      tryCopy: (value) => {
        const mark = values.mark()
        values.writeAlone(value, record.maxOutput, record.maxDepth)
        values.rollback(mark)
      },
    }))
  let warm = false

  const finalization = deferFinalization(globalThis, record, (error) => unhandled.thrown(error))
  countOutsidePromises(record)
  installConsole(globalThis, record, outbox, near)
  const reportError = (error: unknown): void => unhandled.thrown(error)
  const timers = createTimers(globalThis, record, near, reportError)
  const { host, load } = createWebServices(record, bridge, timers, reportError)
  const web = new WebLibraries(host, load)
  let isBuiltIn: (name: string, described: PropertyDescriptor) => boolean = () => false

  function createCrossing(): Crossing {
    return {
      get exported() {
        return functions?.exported
      },
      counted: () => functions?.count(),
      // Without a prototype: a guest's Object.prototype must not add options.
      write: bare({
        functionOut: (fn: object, isAsync: boolean) => crossingFunctions().send(fn, isAsync),
        remoteOut: (value: object) => (mayBeRemote(value, web) ? crossingRemotes().send(value) : undefined),
      }),
      read: bare({
        functionIn: (handle: Parameters<Functions['receive']>[0]) => crossingFunctions().receive(handle),
        remoteIn: (kind: number, parts: readonly unknown[]) => crossingRemotes().receive(kind, parts),
      }),
    }
  }

  const settle = (run: number, value: unknown): void => {
    if (!isThenable(value)) {
      outcome.finish(value)
      return
    }
    record.status = Status.pending
    settlement.wait(run, value)
  }

  const tell = (value: unknown): void => {
    outcome.encode(Status.done, theMirrored().tell(value), record.maxOutput, record.maxDepth)
  }

  const take = (): void => {
    const entry = settlement.take()
    record.run = entry?.run ?? 0
    record.origin = record.run
    if (entry === undefined) return
    const isMirrored = mirrored?.settled(entry.run) === true
    if (entry.fulfilled && isMirrored) tell(entry.value)
    else if (entry.fulfilled) outcome.finish(entry.value, entry.maxBytes, entry.maxDepth)
    else outcome.thrown(entry.value)
  }

  /** Undefined, and the request has failed, if they are none. */
  const readArguments = (): unknown[] | undefined => {
    const args = values.readInput(record)
    if (isArgumentList(args)) return args
    if (isArray(args)) outcome.fail('ERR_VALUE_TOO_LARGE', `a call with ${args.length} arguments, over the limit of ${MAX_ARGUMENTS}`)
    else outcome.fail('ERR_PROTOCOL', 'a call whose arguments are not an array')
    return undefined
  }

  const call = (run: number): void => {
    // Before the path is resolved: a getter on the way may call a host function, whose answer takes the place of the arguments.
    const { name } = record
    const args = readArguments()
    if (args === undefined) return
    const { owner, target } = resolvePath(name)
    if (typeof target !== 'function') {
      outcome.fail('ERR_NOT_A_FUNCTION', `'${name}' is not a function in this context`)
      return
    }
    settle(run, apply(target as (...given: unknown[]) => unknown, owner, args))
  }

  const invoke = (run: number): void => {
    const target = functions?.exported.get(record.code)
    // Read in any case: the functions in them count as held until they are given back.
    const args = readArguments()
    if (args === undefined) return
    if (target === undefined) outcome.fail('ERR_FUNCTION_GONE', 'this function was released')
    else settle(run, apply(target.fn as (...given: unknown[]) => unknown, undefined, args))
  }

  /** No code of the guest's has run yet. */
  const makeDeterministic = (json: string): void => {
    const { timeMs, autoAdvance, ...settings } = JSON.parse(json) as Deterministic
    const clock = new VirtualClock(timeMs, autoAdvance)
    const library = web.use('deterministic')
    useVirtualClock(clock)
    useDeterministicServices(host, clock, library.createRandomBytes(settings.seed))
    library.makeDeterministic(globalThis, settings, now)
  }

  let advanceUntilMs = 0
  const advance = (): void => {
    record.value = undefined
    const clock = virtualClock()
    if (clock === undefined) {
      record.code = 0
      outcome.fail('ERR_NO_CLOCK', 'this context goes by the time of day: it was not made with the option deterministic')
      return
    }
    const more = timers.advance(advanceUntilMs)
    outcome.finish(clock.nowMs)
    record.code = more ? 1 : 0
  }

  const report = (): void => {
    functions?.reportReleased()
    const mark = values.mark()
    const encode = (reason: unknown): MsgpackWriter => {
      try {
        return writeThrown(reason, (value) => values.writeAlone(value, outcome.errorBytes, outcome.errorDepth))
      } catch (error) {
        // Even its texts are too large.
        return values.writeAlone(likenessOf({}, CodecError.is(error) ? error.message : ''), outcome.errorBytes, outcome.errorDepth)
      }
    }
    unhandled.report(outbox, encode, () => values.commit(mark))
  }

  const perform = (): void => {
    const { op, run, value } = record
    record.status = Status.done
    functions?.recover()
    switch (op) {
      case Op.settle:
        record.value = undefined
        settle(run, value)
        return
      case Op.thrown:
        outcome.thrown(value)
        return
      case Op.placed:
        putExcerpt(value, record.message)
        outcome.thrown(value)
        // Placed as well as it can be.
        record.value = undefined
        return
      case Op.deterministic:
        makeDeterministic(record.name)
        outcome.finish(undefined)
        return
      case Op.advance:
        advanceUntilMs = (virtualClock()?.nowMs ?? 0) + (value as number)
        advance()
        return
      case Op.advanceOn:
        advance()
        return
      case Op.take:
        take()
        return
      case Op.get:
        outcome.finish(getGlobal(record.name))
        return
      case Op.set:
        setGlobal(record.name, values.readInput(record))
        outcome.finish(undefined)
        return
      case Op.delete:
        outcome.finish(deleteGlobal(record.name))
        return
      case Op.globals:
        outcome.encode(Status.done, snapshotGlobals(isBuiltIn), record.maxResult, record.maxResultDepth)
        return
      case Op.call:
        call(run)
        return
      case Op.define:
        defineGlobals(values.readInput(record))
        outcome.finish(undefined)
        return
      case Op.reserve:
        if (record.input.length < record.length) record.input = new Uint8Array(record.length)
        return
      case Op.drain:
        if (!warm) {
          // The first one comes before any guest code.
          warm = true
          warmUpStacks()
        }
        finalization.run()
        return
      case Op.forget:
        mirrored?.settled(run)
        settlement.forget(run)
        return
      case Op.invoke:
        invoke(run)
        return
      case Op.answer:
        theFunctions().answered(record.call, record.code)
        return
      case Op.timer:
        timers.runNext()
        return
      case Op.report:
        report()
        return
      case Op.manyBegin:
        theManyRuns().begin(run, values.readInput(record), record.name)
        return
      case Op.manyFirst:
        record.value = undefined
        if (theManyRuns().first(run, value)) {
          record.code = 0
          settle(run, value)
        } else record.code = 1
        return
      case Op.manySlice:
        theManyRuns().slice(run)
        return
      case Op.manyEnd:
        manyRuns?.forget(run)
        settlement.forget(run)
        return
      case Op.takeBack:
        values.takeBackResult()
        return
      case Op.discard:
        values.readInput(record)
        return
      case Op.hear:
        theMirrored().hear(values.readInput(record))
        outcome.finish(undefined)
        return
      case Op.tell:
        record.value = undefined
        if (isThenable(value)) {
          theMirrored().wait(run)
          settle(run, value)
        } else tell(value)
        return
      case Op.release:
        functions?.releaseExported(record.input, record.length)
        return
      case Op.import: {
        record.status = Status.pending
        theImports().importFor(run, values.readInput(record))
        return
      }
      case Op.modules:
        theImports().setLookups(values.readInput(record))
        outcome.finish(undefined)
        return
      case Op.nextModule:
        imports?.records.next()
        return
      case Op.entered:
        imports?.entered()
        return
      default:
        op satisfies never
    }
  }

  const step: (() => void) & Partial<{ -readonly [Key in keyof RealmSide]: RealmSide[Key] }> = () => {
    try {
      try {
        perform()
      } catch (error) {
        if (CodecError.is(error)) throw error
        outcome.thrown(error)
      }
    } catch (error) {
      if (!CodecError.is(error)) throw error
      outcome.fail(codeOf(error), error.message)
      if (error.limit !== undefined) {
        record.limit = limitName(error.limit)
        record.configured = error.configured
        record.observed = error.observed
      }
    }
    if (virtualClock() !== undefined) timers.recheck()
  }
  step.record = record
  step.hooks = bare({
    formatStack,
    importModule: (referrer: unknown, specifier: unknown, isEvaluation: unknown, attributes: unknown, file: unknown) =>
      imports === undefined
        ? apply(rejectPromise, NativePromise, [notGiven(specifier)])
        : imports.importModule(referrer, specifier, isEvaluation, attributes, file),
    importMeta: (module: unknown, meta: unknown) => imports?.importMeta(module, meta),
    rejected: (event: unknown, promise: unknown, reason: unknown) => unhandled.rejection(event, promise, reason),
  })
  step.connect = (given, isWeb) => {
    connected = given
    if (!isWeb) return
    timers.install()
    isBuiltIn = installWebGlobals(globalThis, web)
  }
  return step
}

function bare<T extends object>(object: T): T {
  setPrototypeOf(object, null)
  return object
}
