import vm from 'node:vm'
import { LRUCache } from 'lru-cache'
import type { VmMessage, VmSource } from '../protocol/vm-messages.ts'
import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import { COMPLETED, type Guard } from './guard.ts'
import { Op, Status } from './realm/record.ts'
import type { RunAtWork } from './run-at-work.ts'
import type { RunCounter } from './run-counter.ts'

type Compile = Extract<VmMessage, { readonly type: 'vmCompile' }>
type Run = Extract<VmMessage, { readonly type: 'vmRun' }>

/** UTF-16 code units of source that the cache keeps alive, and scripts. */
const MAX_CACHED_SOURCE = 16 * 1024 * 1024
const MAX_CACHED_SCRIPTS = 500

/** What the façade of `node:vm` has a channel's contexts do: their globals are kept in step with an object of the client's. */
export class VmRuns {
  readonly #guard: Guard
  readonly #answers: Answers
  readonly #work: RunAtWork
  readonly #scripts = new LRUCache<string, vm.Script>({
    max: MAX_CACHED_SCRIPTS,
    maxSize: MAX_CACHED_SOURCE,
    sizeCalculation: (_script, key) => key.length,
  })

  readonly #counter: RunCounter

  constructor(guard: Guard, answers: Answers, work: RunAtWork, counter: RunCounter) {
    this.#counter = counter
    this.#guard = guard
    this.#answers = answers
    this.#work = work
  }

  /** Compiles a source for its errors, its code cache, or its runs to come. */
  compile(request: Compile): void {
    const work = this.#work
    if (!work.admits(request.source.length)) return
    const compiled = work.parsed(() => (request.parameters === undefined ? this.#compileScript(request) : compileBody(request)))
    if (compiled !== undefined) work.value(compiled)
  }

  /** Brings the globals in step by a delta, evaluates, and answers with a delta. */
  run(context: ChannelContext, request: Run, delta: Uint8Array): void {
    const work = this.#work
    work.filename = request.filename
    if (!work.admits(request.source.length)) return
    if (!this.#hear(context, delta)) return
    const script = work.parsed(() => this.#script(request))
    if (script === undefined) return
    this.#answers.relieve()
    const ending = this.#guard.evaluate(script, context.realm, work.deadlineMs)
    if (ending === COMPLETED) this.#tell(context, this.#guard.value)
    else work.evaluated(context, ending, this.#guard.value)
  }

  /** The same without a source. */
  sync(context: ChannelContext, delta: Uint8Array): void {
    if (this.#hear(context, delta)) this.#tell(context, undefined)
  }

  /** False if that failed, which is then answered. */
  #hear(context: ChannelContext, delta: Uint8Array): boolean {
    const work = this.#work
    if (!work.give(context, delta)) return false
    const ending = context.realm.step(Op.hear, work.deadlineMs)
    if (ending === COMPLETED && context.realm.record.status === Status.primitive) return true
    work.answer(context, ending)
    return false
  }

  /** `value` is a guest's, which only the realm side looks at. */
  #tell(context: ChannelContext, value: unknown): void {
    context.realm.record.value = value
    this.#work.step(context, Op.tell)
  }

  #script(source: VmSource): vm.Script {
    const known = this.#scripts.get(keyOf(source))
    this.#counter.looked('scripts', known !== undefined)
    if (known !== undefined) return known
    return this.#keep(source, newScript(source))
  }

  #keep(source: VmSource, script: vm.Script): vm.Script {
    const key = keyOf(source)
    if (key.length < MAX_CACHED_SOURCE) this.#scripts.set(key, script)
    return script
  }

  #compileScript({ cachedData, produceCachedData, ...source }: Compile): readonly unknown[] {
    const script = cachedData === undefined ? this.#script(source) : this.#keep(source, newScript(source, cachedData))
    return [script.cachedDataRejected, script.sourceMapURL, produceCachedData ? script.createCachedData() : undefined]
  }
}

function keyOf({ source, filename, lineOffset, columnOffset }: VmSource): string {
  return `${lineOffset}:${columnOffset}:${filename}\0${source}`
}

function newScript({ source, filename, lineOffset, columnOffset }: VmSource, cachedData?: Uint8Array): vm.Script {
  return new vm.Script(source, { filename, lineOffset, columnOffset, ...(cachedData === undefined ? {} : { cachedData }) })
}

/** What V8 takes as the name of a parameter, code unit by code unit. For anything else it throws nothing, and Node aborts. */
const isParameter = (name: string): boolean =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(name) && !/[\ud800-\udfff]/.test(name)

/** The function is of the main realm: it is dropped, and never called. */
function compileBody({
  source,
  parameters = [],
  filename,
  lineOffset,
  columnOffset,
  cachedData,
  produceCachedData,
}: Compile): readonly unknown[] {
  for (const name of parameters) if (!isParameter(name)) throw new SyntaxError(`Invalid parameter name ${JSON.stringify(name)}`)
  const compiled = vm.compileFunction(source, [...parameters], {
    filename,
    lineOffset,
    columnOffset,
    produceCachedData,
    ...(cachedData === undefined ? {} : { cachedData }),
  }) as { readonly cachedDataRejected?: boolean; readonly sourceMapURL?: string; readonly cachedData?: Uint8Array }
  return [compiled.cachedDataRejected, compiled.sourceMapURL, compiled.cachedData]
}
