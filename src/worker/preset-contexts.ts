import { getHeapStatistics } from 'node:v8'
import { LRUCache } from 'lru-cache'
import type { Globals } from '../protocol/context-messages.ts'
import { COMPLETED, type Ending, type Guard } from './guard.ts'
import type { ReadyContexts } from './ready-contexts.ts'
import type { RealmContext } from './realm-context.ts'
import type { CompiledScript } from './scripts.ts'

/** Presets that have contexts ready, and how many each. A context with a DOM takes some 4 MB. */
const MAX_PRESETS = 8
const READY_OF_EACH = 2
/** How long a worker has served nothing when it makes one, in milliseconds: it takes as long as the preset's scripts do. */
const QUIET_MS = 5
/** Share of the heap in use from which on none are made, and those that are ready are given up. */
const FULL_SHARE = 0.5

/** What a preset is made of. */
export interface PresetRecipe {
  /** Tells it from others: of whom it is, and what is run. */
  readonly key: string
  readonly globals: Globals
  readonly scripts: readonly CompiledScript[]
  /** For each script, in milliseconds. */
  readonly timeoutMs: number
}

interface Preset {
  readonly recipe: PresetRecipe
  readonly ready: RealmContext[]
}

/** A script of the preset that did not come to its end. */
export interface PresetFailure {
  readonly realm: RealmContext
  readonly script: CompiledScript
  readonly ending: Exclude<Ending, typeof COMPLETED>
  /** HOSTILE: what it threw. */
  readonly thrown: unknown
  /** Times are milliseconds of `performance.now()`. */
  readonly startedMs: number
  readonly deadlineMs: number
}

/**
 * Contexts in which a preset's scripts have run. Some are made ahead while the worker has nothing else to do. A preset whose scripts fail then has none made ahead before it succeeds in
 * front of somebody, who hears of it. Presets are a client's own: nobody gets a context that another's script has touched.
 */
export class PresetContexts {
  readonly #guard: Guard
  readonly #base: Readonly<Record<Globals, ReadyContexts>>
  readonly #usage: { readonly runs: number }
  readonly #presets = new LRUCache<string, Preset>({ max: MAX_PRESETS })
  #timer: NodeJS.Timeout | undefined
  #runsSeen = 0

  constructor(guard: Guard, base: Readonly<Record<Globals, ReadyContexts>>, usage: { readonly runs: number }) {
    this.#guard = guard
    this.#base = base
    this.#usage = usage
  }

  /** One that is ready; undefined if there is none. */
  take(key: string): RealmContext | undefined {
    const preset = this.#presets.get(key)
    const realm = preset?.ready.pop()
    if (realm !== undefined) this.#refillSoon()
    return realm
  }

  /** That of a preset which was made before. */
  recipe(key: string): PresetRecipe | undefined {
    return this.#presets.get(key)?.recipe
  }

  /** A context with nothing but its globals. */
  plain(globals: Globals): RealmContext {
    return this.#base[globals].take()
  }

  /** Makes one now, and more later. */
  make(recipe: PresetRecipe): RealmContext | PresetFailure {
    const made = this.run(this.plain(recipe.globals), recipe)
    if ('ending' in made) this.#presets.delete(recipe.key)
    else {
      if (!this.#presets.has(recipe.key)) this.#presets.set(recipe.key, { recipe, ready: [] })
      this.#refillSoon()
    }
    return made
  }

  /** Runs the preset's scripts. */
  run(realm: RealmContext, { scripts, timeoutMs }: PresetRecipe): RealmContext | PresetFailure {
    for (const script of scripts) {
      const startedMs = performance.now()
      const deadlineMs = startedMs + timeoutMs
      const ending = this.#guard.evaluate(script.script, realm, deadlineMs)
      // Whatever it has said, nobody is there to hear it.
      realm.takeOutbox()
      if (ending !== COMPLETED) return { realm, script, ending, thrown: this.#guard.value, startedMs, deadlineMs }
    }
    return realm
  }

  /** The client is gone. */
  forget(channel: number): void {
    for (const key of this.#presets.keys()) if (key.startsWith(`${channel}:`)) this.#presets.delete(key)
  }

  #refillSoon(): void {
    if (this.#timer !== undefined) return
    this.#runsSeen = this.#usage.runs
    this.#timer = setTimeout(() => this.#refill(), QUIET_MS)
  }

  #refill(): void {
    this.#timer = undefined
    const isBusy = this.#usage.runs !== this.#runsSeen
    if (!isBusy && !this.#makeOne()) return
    this.#refillSoon()
  }

  /** Of the preset that was wanted last. False if none is missing, or there is no room. */
  #makeOne(): boolean {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    if (used > FULL_SHARE * limit) {
      for (const { ready } of this.#presets.values()) ready.length = 0
      return false
    }
    for (const [key, { recipe, ready }] of this.#presets.entries()) {
      if (ready.length >= READY_OF_EACH) continue
      const made = this.run(this.plain(recipe.globals), recipe)
      if ('ending' in made) this.#presets.delete(key)
      else ready.push(made)
      return true
    }
    return false
  }
}
