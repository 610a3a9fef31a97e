import type vm from 'node:vm'
import { parse as lexCommonJs } from 'cjs-module-lexer'
import { internalBinding, type ModuleWrap } from '../confined/internals.ts'
import type { EvaluableModule } from './guard.ts'
import { moduleErrorOf } from '../confined/syntax-error.ts'
import { MAX_MODULE_REQUESTS, MAX_MODULES, MAX_MODULES_SOURCE } from '../protocol/limits.ts'
import { Answer, type RealmRecord, Request } from './realm/record.ts'

const { ModuleWrap: NativeModule, kErrored, kEvaluationPhase, kInstantiated } = internalBinding('module_wrap')
const contextify = internalBinding('contextify')

const COMMON_JS_PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'] as const

/**
 * V8's modules of one context, by number, and the steps that a loader takes with them: compile, ask what it imports, link, instantiate, evaluate, take the namespace. A realm side asks for each
 * through the bridge, but for evaluating, which is the guard's. Says yes to nothing that would make Node abort the process.
 *
 * Architecture invariant: what a step throws, and a namespace, are the guest's. They are handed to the realm side as they are.
 */
export class ModuleRecords {
  readonly #context: vm.Context
  readonly #modules: ModuleWrap[] = []
  readonly #linked = new Set<ModuleWrap>()
  #source = 0
  readonly #maxSource: number
  /** Of what V8 threw last. */
  #excerpt: string | undefined

  /** @param maxSource UTF-16 code units of one source */
  constructor(context: vm.Context, maxSource: number) {
    this.#context = context
    this.#maxSource = maxSource
  }

  /** HOSTILE: any field of the record may hold anything. undefined if the request is none of these. */
  answer(request: number, record: RealmRecord): number | undefined {
    switch (request) {
      case Request.compileModule:
        return this.#compile(record, (name, source, id) => {
          this.#modules.push(new NativeModule(name, this.#context, source, 0, 0, id))
          return this.#modules.length
        })
      case Request.compileCommonJs:
        return this.#compile(
          record,
          (name, source, id) =>
            contextify.compileFunction(source, name, 0, 0, undefined, false, this.#context, [], COMMON_JS_PARAMETERS, id).function,
        )
      case Request.commonJsExports:
        return reply(record, exportsOf(record.askedText))
      case Request.errorExcerpt:
        return reply(record, this.#excerpt)
      case Request.moduleRequests:
        return this.#with(record, (module) => this.#requests(record, module))
      case Request.linkModule:
        return this.#with(record, (module) => this.#link(record, module))
      case Request.instantiateModule:
        return this.#with(record, (module) => this.#attempt(record, () => module.instantiate()))
      case Request.moduleFailed:
        return this.#with(record, (module) => reply(record, module.getStatus() === kErrored))
      case Request.moduleNamespace:
        return this.#with(record, (module) =>
          module.getStatus() < kInstantiated ? refuse(record, 'the module is not instantiated') : reply(record, module.getNamespace()),
        )
      default:
        return undefined
    }
  }

  /** For the guard; undefined for a number that is none, or a module that is not instantiated. */
  evaluable(number: unknown): EvaluableModule | undefined {
    const module = this.#find(number)
    if (module === undefined || module.getStatus() < kInstantiated) return undefined
    return { evaluate: () => module.evaluate(-1, true) }
  }

  #compile(record: RealmRecord, make: (name: string, source: string, id: symbol) => unknown): number {
    const { asked, askedText, moduleId } = record
    if (typeof asked !== 'string' || typeof askedText !== 'string' || typeof moduleId !== 'symbol') return refuse(record, 'no source')
    if (askedText.length > this.#maxSource)
      return refuse(record, `the source has ${askedText.length} characters, over the limit of ${this.#maxSource}`)
    if (this.#modules.length >= MAX_MODULES) return refuse(record, `a context may have ${MAX_MODULES} modules`)
    if (this.#source + askedText.length > MAX_MODULES_SOURCE)
      return refuse(record, `the modules of a context may have ${MAX_MODULES_SOURCE} characters together`)
    this.#source += askedText.length
    return this.#attempt(record, () => make(asked, askedText, moduleId))
  }

  #requests(record: RealmRecord, module: ModuleWrap): number {
    const requests = module.getModuleRequests()
    if (requests.length > MAX_MODULE_REQUESTS) return refuse(record, `a module may import ${MAX_MODULE_REQUESTS} modules`)
    return reply(
      record,
      JSON.stringify(
        requests.map(({ specifier, attributes, phase }) => {
          const other = Object.keys(attributes).find((name) => name !== 'type')
          return [specifier, attributes['type'] ?? '', phase === kEvaluationPhase ? (other ?? '') : 'phase']
        }),
      ),
    )
  }

  #link(record: RealmRecord, module: ModuleWrap): number {
    if (this.#linked.has(module)) return refuse(record, 'the module is linked')
    const modules: ModuleWrap[] = []
    for (const number of numbersIn(record.askedText)) {
      const linked = this.#find(number)
      if (linked === undefined) return refuse(record, 'there is no such module')
      modules.push(linked)
    }
    if (modules.length !== module.getModuleRequests().length) return refuse(record, 'one module for each import is needed')
    this.#linked.add(module)
    return this.#attempt(record, () => module.link(modules))
  }

  #attempt(record: RealmRecord, step: () => unknown): number {
    try {
      return reply(record, step())
    } catch (thrown) {
      const { excerpt, ours } = moduleErrorOf(thrown)
      this.#excerpt = excerpt
      if (ours !== undefined) return refuse(record, ours)
      record.reply = thrown
      return Answer.raised
    }
  }

  #with(record: RealmRecord, step: (module: ModuleWrap) => number): number {
    const module = this.#find(record.module)
    return module === undefined ? refuse(record, 'there is no such module') : step(module)
  }

  #find(number: unknown): ModuleWrap | undefined {
    return typeof number === 'number' ? this.#modules[number - 1] : undefined
  }
}

function reply(record: RealmRecord, value: unknown): number {
  record.reply = value
  return Answer.primitive
}

function refuse(record: RealmRecord, why: string): number {
  record.reply = why
  return Answer.refused
}

function numbersIn(text: unknown): readonly unknown[] {
  try {
    const numbers: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    return Array.isArray(numbers) ? numbers : []
  } catch {
    return []
  }
}

/** What cannot be read has no names: its default export is all there is. */
function exportsOf(source: unknown): string {
  try {
    const { exports, reexports } = lexCommonJs(typeof source === 'string' ? source : '')
    return JSON.stringify([[...exports], [...reexports]])
  } catch {
    return '[[],[]]'
  }
}
