import type { Deterministic } from '../protocol/context-messages.ts'
import { ContextPlans, type Plan } from './context-plans.ts'
import type { PresetContexts, PresetFailure, PresetRecipe } from './preset-contexts.ts'
import type { RealmContext } from './realm-context.ts'
import type { CompiledScript } from './scripts.ts'

interface PlannedContextsChannel {
  readonly number: number
  readonly maxTimeoutMs: number
  /** A script that the client sent before; undefined if that fails, which is then answered. */
  readonly uploaded: (hash: Uint8Array) => CompiledScript | undefined
  /** Whether the process can be in it; if not, the request at work, which wanted the context, is answered. */
  readonly knowsTimeZone: (zone: string) => boolean
  /** Answers the request at work, which wanted the context. */
  readonly failed: (failure: PresetFailure) => void
}

/** Contexts of a channel that are made as its client planned. */
export class PlannedContexts {
  readonly plans = new ContextPlans()
  readonly #presets: PresetContexts
  readonly #channel: PlannedContextsChannel

  constructor(presets: PresetContexts, channel: PlannedContextsChannel) {
    this.#presets = presets
    this.#channel = channel
  }

  /** Undefined if that fails, which is then answered. */
  make(plan: Plan): RealmContext | undefined {
    if (plan.deterministic !== undefined) return this.#makeDeterministic(plan, plan.deterministic)
    if (plan.scripts.length === 0) return this.#presets.plain(plan.globals)
    const key = this.#keyOf(plan)
    const ready = this.#presets.take(key)
    if (ready !== undefined) return ready
    const recipe = this.#presets.recipe(key) ?? this.#recipe(key, plan)
    if (recipe === undefined) return undefined
    return this.#unlessFailed(this.#presets.make(recipe))
  }

  /** Seed and time are this context's own: none can be ready. */
  #makeDeterministic(plan: Plan, settings: Deterministic): RealmContext | undefined {
    if (!this.#channel.knowsTimeZone(settings.timeZone)) return undefined
    const key = this.#keyOf(plan)
    const recipe = this.#presets.recipe(key) ?? this.#recipe(key, plan)
    if (recipe === undefined) return undefined
    const realm = this.#presets.plain(plan.globals)
    realm.makeDeterministic(settings)
    return this.#unlessFailed(this.#presets.run(realm, recipe))
  }

  #unlessFailed(made: RealmContext | PresetFailure): RealmContext | undefined {
    if (!('ending' in made)) return made
    this.#channel.failed(made)
    return undefined
  }

  #recipe(key: string, { globals, scripts: hashes, timeoutMs }: Plan): PresetRecipe | undefined {
    const scripts: CompiledScript[] = []
    for (const hash of hashes) {
      const script = this.#channel.uploaded(hash)
      if (script === undefined) return undefined
      scripts.push(script)
    }
    return { key, globals, scripts, timeoutMs: Math.min(timeoutMs, this.#channel.maxTimeoutMs) }
  }

  #keyOf({ globals, scripts, timeoutMs }: Plan): string {
    return `${this.#channel.number}:${globals}:${timeoutMs}:${scripts.map((hash) => Buffer.from(hash).toString('base64')).join()}`
  }
}
