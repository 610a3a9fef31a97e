import { ArrayOf, setPrototypeOf } from '../../../protocol/msgpack/intrinsics.ts'
import { isObject } from '../careful.ts'
import { stackOverflow } from '../guest-error.ts'
import { awaitEnd } from '../await-end.ts'
import { Answer, ATTENTION, type Bridge, type RealmRecord, Request } from '../record.ts'
import { moduleError, placedError } from './module-errors.ts'

const { apply } = Reflect
const { then } = Promise.prototype
const { parse, stringify } = JSON

/** What a module imports by statements. */
export interface ModuleRequest {
  readonly specifier: string
  /** Its attribute `type`; '' for none. */
  readonly type: string
  /** An attribute or phase that is not known; '' for none. */
  readonly unknown: string
}

/** How the evaluation of a module ended. */
export interface Evaluated {
  readonly fulfilled: () => void
  readonly rejected: (reason: unknown) => void
  /** A deadline ended it half-way: the module is of no use any more. */
  readonly ended: () => void
}

interface Queued {
  readonly module: number
  readonly on: Evaluated
}

/**
 * V8's modules of this realm, by number, and each step that a loader takes with them. Evaluating takes an evaluate of its own, which comes when this one has come to a rest. Throws what V8 throws: a
 * SyntaxError tells its place.
 */
export class ModuleRecords {
  readonly #record: RealmRecord
  readonly #bridge: Bridge
  #queue: Queued[] = newList()
  #next = 0
  #entered: Queued | undefined

  constructor(record: RealmRecord, bridge: Bridge) {
    this.#record = record
    this.#bridge = bridge
  }

  /** @param id by which {@link RealmHooks} are told whose code asks */
  compile(source: string, filename: string, id: symbol): number {
    this.#source(source, filename, id)
    return this.#ask(Request.compileModule) as number
  }

  requests(module: number): readonly ModuleRequest[] {
    this.#record.module = module
    const listed = parse(this.#ask(Request.moduleRequests) as string) as readonly (readonly [string, string, string])[]
    const requests: ModuleRequest[] = newList()
    for (let i = 0; i < listed.length; i++) {
      const entry = listed[i] as readonly [string, string, string]
      requests[i] = { specifier: entry[0], type: entry[1], unknown: entry[2] }
    }
    return requests
  }

  /** One module for each of its requests, in their order. Once. */
  link(module: number, modules: readonly number[]): void {
    let text = '['
    for (let i = 0; i < modules.length; i++) text += i === 0 ? `${modules[i] as number}` : `,${modules[i] as number}`
    this.#record.module = module
    this.#record.askedText = `${text}]`
    this.#ask(Request.linkModule)
  }

  instantiate(module: number): void {
    this.#record.module = module
    this.#ask(Request.instantiateModule)
  }

  /** Whether V8 gave it up: it threw, or a deadline ended it. */
  failed(module: number): boolean {
    this.#record.module = module
    return this.#ask(Request.moduleFailed) === true
  }

  namespace(module: number): object {
    this.#record.module = module
    return this.#ask(Request.moduleNamespace) as object
  }

  /** A function of a CommonJS source. */
  compileCommonJs(source: string, filename: string, id: symbol): (...args: unknown[]) => unknown {
    this.#source(source, filename, id)
    return this.#ask(Request.compileCommonJs) as (...args: unknown[]) => unknown
  }

  /** The names that it exports, as far as can be told, and the modules whose exports it passes on. */
  commonJsExports(source: string): readonly [names: readonly string[], from: readonly string[]] {
    this.#record.askedText = source
    return parse(this.#ask(Request.commonJsExports) as string) as readonly [readonly string[], readonly string[]]
  }

  /** The module must be instantiated. */
  evaluate(module: number, on: Evaluated): void {
    this.#queue[this.#queue.length] = { module, on }
    this.#record.attention |= ATTENTION.modules
  }

  /** The worker asks which module it may evaluate. */
  next(): void {
    const queued = this.#queue[this.#next]
    if (queued === undefined) {
      this.#queue = newList()
      this.#next = 0
      this.#record.module = 0
      return
    }
    this.#next++
    this.#entered = queued
    this.#record.module = queued.module
  }

  /** The worker has evaluated it; `code` says how that ended, see Op.entered. */
  entered(value: unknown, code: number): void {
    const on = this.#entered?.on
    this.#entered = undefined
    this.#record.value = undefined
    if (on === undefined) return
    if (code === 2) on.ended()
    else if (code === 1 || !isObject(value)) on.rejected(value)
    else void apply(then, value, [on.fulfilled, on.rejected])
  }

  #source(source: string, filename: string, id: symbol): void {
    this.#record.asked = filename
    this.#record.askedText = source
    this.#record.moduleId = id
  }

  #ask(request: Request): unknown {
    const record = this.#record
    record.reply = undefined
    const answer = this.#answer(request)
    const { reply } = record
    record.reply = undefined
    record.askedText = ''
    switch (answer) {
      case Answer.primitive:
        return reply
      case Answer.raised:
        throw placedError(reply, this.#excerpt())
      case Answer.refused:
        throw moduleError('ERR_MODULE_LIMIT', reply as string)
      case Answer.end:
        return awaitEnd(this.#bridge)
      default:
        throw stackOverflow()
    }
  }

  #excerpt(): string | undefined {
    const answer = this.#answer(Request.errorExcerpt)
    const { reply } = this.#record
    this.#record.reply = undefined
    return answer === Answer.primitive && typeof reply === 'string' ? reply : undefined
  }

  #answer(request: Request): number {
    try {
      return this.#bridge(request)
    } catch {
      return -1
    }
  }
}

/** Without a prototype: a setter that a guest puts on one for an index must not be met. */
export function newList<Item>(): Item[] {
  return setPrototypeOf(new ArrayOf<Item>(), null)
}

export const toJson = stringify
