import { types } from 'node:util'
import vm from 'node:vm'
import realmSource from 'virtual:realm-source'
import { type ChannelLimits, DEFAULT_CHANNEL_LIMITS } from '../protocol/channel-limits.ts'
import { COMPLETED, type Ending, type Guard, type GuardedRealm, INTERRUPTED } from './guard.ts'
import { ModuleRecords } from './module-records.ts'
import type { RealmHooks } from './moat.ts'
import { fillRandom } from '../base/random.ts'
import { answerService, guestClockMs } from './realm-services.ts'
import type { Deterministic, Globals } from '../protocol/context-messages.ts'
import type { RealmSide } from './realm/main.ts'
import { Answer, Op, type RealmRecord, Status } from './realm/record.ts'

/** What the build made for the realm side, if this program was started with it. */
declare const gloveboxRealmCache: Buffer | undefined

/**
 * The realm side's entry is a `const` of the top level with an unguessable name: unlike a property of the global object it cannot be listed, and nothing of ours shows in `globalThis`.
 */
const ENTRY = `glovebox_${randomName()}`

function randomName(): string {
  const bytes = Buffer.alloc(16)
  fillRandom(bytes)
  return bytes.toString('hex')
}

/**
 * The realm side, with every global of its realm as a parameter of that name: a guest may later put anything in a global's place, and code of ours that names one must not meet it.
 * An object of the guest's in the record would be coerced by the main realm.
 */
function compileSetup(names: readonly PropertyKey[]): vm.Script {
  const globals = names.filter((name) => typeof name === 'string' && !UNSHADOWED.has(name)).join()
  const text = `((${globals}) => {${realmSource}\nreturn realm.createRealm()})(${globals})`
  const cachedData = typeof gloveboxRealmCache === 'undefined' ? undefined : gloveboxRealmCache
  return new vm.Script(text, { filename: 'glovebox:realm', cachedData })
}

/** The engine makes all of it when a realm first touches it, which takes an eighth of the time that a realm takes. Nothing on the realm side names it. */
const MADE_AT_FIRST_TOUCH = 'Temporal'
/** Nobody can put anything in the place of the others, or name a parameter so. */
const UNSHADOWED: ReadonlySet<PropertyKey> = new Set(['eval', 'undefined', 'NaN', 'Infinity', MADE_AT_FIRST_TOUCH])
let setupScript: vm.Script | undefined
/** Apart from the realm side, whose text is always the same: it has a code cache. */
const nameScript = new vm.Script(`const ${ENTRY} = globalThis.${ENTRY}`, { filename: 'glovebox:name' })
const stepScript = new vm.Script(`${ENTRY}()`, { filename: 'glovebox:step' })

/** What the setup of a realm may take, in milliseconds: it takes one or two, and nobody's deadline covers it. */
const SETUP_BUDGET_MS = 5_000
/** What it may take to take a result back, in milliseconds: it takes microseconds. */
const TAKE_BACK_BUDGET_MS = 100

const { apply, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect
const MainUint8Array = Uint8Array
const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object
const bufferOf = getter('buffer')
const byteOffsetOf = getter('byteOffset')
const byteLengthOf = getter('byteLength')

function getter(name: string): () => unknown {
  return getOwnPropertyDescriptor(typedArrayPrototype, name)?.get as () => unknown
}

/** A guest's realm with its realm side: one vanilla context. */
export class RealmContext implements GuardedRealm {
  readonly global: vm.Context
  readonly hooks: RealmHooks
  readonly record: RealmRecord
  timeZone: string | undefined
  readonly #guard: Guard
  #modules: ModuleRecords | undefined
  #inputSource: Uint8Array | undefined
  #inputView = new MainUint8Array(0)
  #outputSource: Uint8Array | undefined
  #outputView = new MainUint8Array(0)
  /** Who answers what the realm side asks. Nobody does before the context has an owner. */
  onRequest: ((request: number, deadlineMs: number) => number) | undefined

  constructor(guard: Guard, bridge: (request: number) => number, globals: Globals) {
    this.#guard = guard
    this.global = vm.createContext(vm.constants.DONT_CONTEXTIFY, { microtaskMode: 'afterEvaluate' })
    // No guest code has run here yet: the global object, and the realm side, may be taken apart as the plain objects that they are.
    setupScript ??= compileSetup(ownKeys(this.global))
    const entry = setupScript.runInContext(this.global, { displayErrors: false }) as Omit<RealmSide, 'hooks'> & {
      readonly hooks: RealmHooks
    }
    this.global[ENTRY] = entry
    nameScript.runInContext(this.global, { displayErrors: false })
    deleteProperty(this.global, ENTRY)
    this.record = entry.record
    this.hooks = entry.hooks
    entry.connect(bridge, globals === 'web')
    deleteProperty(entry, 'record')
    deleteProperty(entry, 'hooks')
    deleteProperty(entry, 'connect')
    this.limit(DEFAULT_CHANNEL_LIMITS)
    if (this.#stepOwn(Op.drain, SETUP_BUDGET_MS) !== COMPLETED) throw new Error('a new realm could not be set up')
  }

  /** Sets what the context may have. */
  limit(limits: ChannelLimits): void {
    const { record } = this
    record.maxOutput = limits.maxOutput
    record.maxDepth = limits.maxDepth
    record.maxConsole = limits.maxConsole
    record.maxConsoleLines = limits.maxConsoleLines
    record.maxCallsInFlight = limits.maxHostCallsInFlight
    record.maxCalls = limits.maxHostCalls
    this.limitResult(limits)
  }

  /** Sets what a result may have. */
  limitResult({ maxOutput, maxDepth }: Pick<ChannelLimits, 'maxOutput' | 'maxDepth'>): void {
    this.record.maxResult = maxOutput
    this.record.maxResultDepth = maxDepth
  }

  /** Before any code of the guest's: it does the same each time. */
  makeDeterministic(settings: Deterministic): void {
    this.record.name = JSON.stringify(settings)
    this.timeZone = settings.timeZone
    const ending = this.#stepOwn(Op.deterministic, SETUP_BUDGET_MS)
    if (ending !== COMPLETED || this.record.status !== Status.primitive) throw new Error('a realm could not be made deterministic')
  }

  /** Has the realm side do `op`, for which the record's other fields are set. */
  step(op: Op, deadlineMs: number): Ending {
    const { record } = this
    record.op = op
    record.holdsFunctions = false
    const ending = this.#guard.evaluate(stepScript, this, deadlineMs)
    // The result was whole, and then the guest's microtasks went on until the deadline, or a signal came late.
    if (ending === INTERRUPTED && record.holdsFunctions) this.#stepOwn(Op.takeBack, TAKE_BACK_BUDGET_MS)
    return ending
  }

  /** As a step that no signal of the daemon's ends. */
  #stepOwn(op: Op, budgetMs: number): Ending {
    this.record.op = op
    return this.#guard.evaluateOwn(stepScript, this, performance.now() + budgetMs)
  }

  /** Copies bytes to the realm side; the next step may decode them. Takes a step of its own if they are many. */
  give(bytes: Uint8Array, deadlineMs: number): Ending {
    const { record } = this
    if (bytes.length > this.#input().length) {
      record.length = bytes.length
      const ending = this.step(Op.reserve, deadlineMs)
      if (ending !== COMPLETED) return ending
      if (this.#input().length < bytes.length) return COMPLETED
    }
    this.#inputView.set(bytes)
    record.length = bytes.length
    return COMPLETED
  }

  answer(request: number, deadlineMs: number): number {
    const answer = answerService(request, this.record, () => this.#input()) ?? this.#modules?.answer(request, this.record)
    if (answer !== undefined) return answer
    return this.onRequest === undefined ? Answer.refused : this.onRequest(request, deadlineMs)
  }

  /** From now on the realm side may have modules. */
  allowModules(maxSource: number): void {
    this.#modules ??= new ModuleRecords(this.global, maxSource)
  }

  /** Enters the module that the realm side wants evaluated next, whose number is then in the record, and leaves there what {@link Op.entered} says how it went. */
  enterModule(deadlineMs: number): Ending {
    const { record } = this
    record.module = 0
    const asked = this.step(Op.nextModule, deadlineMs)
    if (asked !== COMPLETED || record.module === 0) return asked
    const module = this.#modules?.evaluable(record.module)
    if (module === undefined) throw new Error('the realm side wants a module evaluated that cannot be')
    const ending = this.#guard.evaluate(module, this, deadlineMs)
    record.value = this.#guard.value
    record.code = ending
    return ending
  }

  tellTime(): number {
    this.record.reply = guestClockMs()
    return Answer.primitive
  }

  /** Puts bytes where the realm side reads them, if they fit. */
  put(bytes: Uint8Array): boolean {
    const input = this.#input()
    this.record.replyLength = bytes.length
    if (bytes.length > input.length) return false
    input.set(bytes)
    return true
  }

  /** The frames for the client that the realm side has packed: a view that is valid until the next evaluate. They count as taken. */
  takeOutbox(): Uint8Array {
    const { record } = this
    const length = record.outboxLength
    record.outboxLength = 0
    return viewOf(record.outbox).subarray(0, length)
  }

  /** The encoded result of the last step: a view that is valid until the next. */
  result(): Uint8Array {
    const { record } = this
    if (record.output !== this.#outputSource) {
      this.#outputSource = record.output
      this.#outputView = viewOf(record.output)
    }
    return this.#outputView.subarray(0, record.length)
  }

  #input(): Uint8Array {
    const { record } = this
    if (record.input !== this.#inputSource) {
      this.#inputSource = record.input
      this.#inputView = viewOf(record.input)
    }
    return this.#inputView
  }
}

/**
 * A view of the main realm on bytes of a guest's realm: by internal slots only, so that nothing of the guest's is called or read.
 */
function viewOf(foreign: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!types.isUint8Array(foreign)) throw new Error('the realm side gave something else than bytes')
  return new MainUint8Array(
    apply(bufferOf, foreign, []) as ArrayBuffer,
    apply(byteOffsetOf, foreign, []) as number,
    apply(byteLengthOf, foreign, []) as number,
  )
}
