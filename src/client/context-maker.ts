import { unlessAborted } from './abort.ts'
import { Context } from './context.ts'
import type { Scripts } from './compiler/scripts.ts'
import { ImportedSources } from './modules/imported-sources.ts'
import type { Lane } from './lane.ts'
import { isUsual } from './presets/context-settings.ts'
import { makeContext, type Making } from './presets/making.ts'
import type { Presets } from './presets/presets.ts'
import type { NewContextSettings, RunPolicy } from './run-options.ts'
import type { Place } from './restoring.ts'

/** How often a worker is asked that is gone before it reads what it is asked. */
export const MAX_ATTEMPTS = 3

interface ContextMakerBox {
  readonly policy: RunPolicy
  readonly scripts: Scripts
  readonly presets: Presets
  readonly lease: () => Promise<Lane>
}

/** Makes contexts as they were asked for, and makes them again. */
export class ContextMaker {
  readonly #box: ContextMakerBox

  constructor(box: ContextMakerBox) {
    this.#box = box
  }

  async create(globals: Readonly<Record<string, unknown>>, settings: NewContextSettings): Promise<Context> {
    const { signal, restore, policy } = settings
    signal?.throwIfAborted()
    const { scripts, presets } = this.#box
    const making = isUsual(settings) ? undefined : await presets.making(settings)
    const make = (): Promise<Place> => this.#make(globals, settings, making)
    const made = make().then((place) => new Context(place, policy, scripts, restore === undefined ? undefined : make))
    return unlessAborted(made, signal, (late) => void late.dispose())
  }

  async #make(
    globals: Readonly<Record<string, unknown>>,
    { modules, setup, policy }: NewContextSettings,
    making: Making | undefined,
  ): Promise<Place> {
    const place = await this.#place(globals, making, policy)
    if (modules === undefined && setup === undefined) return place
    const context = new Context(place, policy, this.#box.scripts)
    try {
      if (modules !== undefined) await context.setModules(modules)
      if (typeof setup === 'function') await setup(context)
      else if (setup !== undefined) await context.run(setup)
    } catch (error) {
      void context.dispose()
      throw error
    }
    return place
  }

  /** An empty context with its globals. */
  async #place(globals: Readonly<Record<string, unknown>>, making: Making | undefined, policy: RunPolicy): Promise<Place> {
    const limits = policy.limits === this.#box.policy.limits ? undefined : policy.limits
    for (let attempt = 1; ; attempt++) {
      const lane = await this.#box.lease()
      const number = lane.nextContext()
      const bridge = lane.bridge(number)
      bridge.limits = policy.limits
      bridge.timeoutMs = policy.defaultMs
      const call = (): Promise<unknown> => lane.call({ type: 'create', context: number }, globals, undefined, undefined, undefined, limits)
      try {
        await (making === undefined ? call() : makeContext(lane, number, making, [], call))
        return { lane, number, imports: new ImportedSources(lane.refused) }
      } catch (error) {
        lane.forget(number)
        if (attempt === MAX_ATTEMPTS || !lane.mayRepeat(error)) throw error
      }
    }
  }
}
