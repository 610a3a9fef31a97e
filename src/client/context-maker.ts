import { unlessAborted } from './abort.ts'
import { Context } from './context.ts'
import type { Scripts } from './compiler/scripts.ts'
import { ImportedSources } from './modules/imported-sources.ts'
import { ReportedError } from './errors.ts'
import type { Lane } from './lane.ts'
import { isUsual } from './presets/context-settings.ts'
import { makeContext, type Making } from './presets/making.ts'
import type { Naming } from './named-options.ts'
import { NO_PAYLOAD } from './requests.ts'
import type { Presets } from './presets/presets.ts'
import type { Placement } from './placement.ts'
import type { NewContextSettings, RunPolicy } from './run-options.ts'
import type { Place } from './restoring.ts'

/** How often a worker is asked that is gone before it reads what it is asked. */
export const MAX_ATTEMPTS = 3

interface ContextMakerBox {
  readonly policy: RunPolicy
  readonly scripts: Scripts
  readonly presets: Presets
  readonly lease: (dedicated: boolean, placement: Placement) => Promise<Lane>
  readonly leaseNamed: (naming: Naming) => Promise<{ readonly lane: Lane; readonly key: Uint8Array }>
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
    // Whoever comes first makes it again.
    const again = settings.naming === undefined ? settings : { ...settings, naming: { ...settings.naming, mode: 'any' as const } }
    const made = this.#make(globals, settings, making).then(
      (place) => new Context(place, policy, scripts, restore === undefined ? undefined : () => this.#make(globals, again, making)),
    )
    return unlessAborted(made, signal, (late) => void late.dispose())
  }

  async #make(globals: Readonly<Record<string, unknown>>, settings: NewContextSettings, making: Making | undefined): Promise<Place> {
    const { modules, setup, policy } = settings
    const place = await this.#place(globals, making, settings)
    if ((modules === undefined && setup === undefined) || place.named?.isNew === false) return place
    const context = new Context(place, policy, this.#box.scripts)
    try {
      if (modules !== undefined) await context.setModules(modules)
      if (typeof setup === 'function') await setup(context)
      else if (setup !== undefined) await context.run(setup)
      if (place.named !== undefined) await place.lane.call({ type: 'ready', context: place.number }, NO_PAYLOAD, undefined)
    } catch (error) {
      void context.dispose()
      throw error
    }
    return place
  }

  /** A context with its globals; or the one of that name, if there is one. Others who ask for the name wait until its setup is done. */
  async #place(
    globals: Readonly<Record<string, unknown>>,
    making: Making | undefined,
    { policy, naming, setup, dedicated, placement }: NewContextSettings,
  ): Promise<Place> {
    const limits = policy.limits === this.#box.policy.limits ? undefined : policy.limits
    const gated = setup !== undefined
    for (let attempt = 1; ; attempt++) {
      const { lane, key } =
        naming === undefined ? { lane: await this.#box.lease(dedicated, placement), key: undefined } : await this.#box.leaseNamed(naming)
      const number = lane.nextContext()
      const bridge = lane.bridge(number)
      bridge.limits = policy.limits
      bridge.timeoutMs = policy.defaultMs
      const request =
        naming === undefined || key === undefined
          ? ({ type: 'create', context: number } as const)
          : ({ type: 'attach', context: number, key, mode: naming.mode, gated } as const)
      const call = (): Promise<unknown> => lane.call(request, globals, undefined, undefined, undefined, limits)
      try {
        const made = await (making === undefined ? call() : makeContext(lane, number, making, [], call))
        const place = { lane, number, imports: new ImportedSources(lane.refused) }
        return naming === undefined ? place : { ...place, named: { isNew: made === true } }
      } catch (error) {
        lane.forget(number)
        // Its idle time ended while this was on its way.
        const isStale = naming?.mode === 'any' && error instanceof ReportedError && error.code === 'ERR_NAME_UNKNOWN'
        if (attempt === MAX_ATTEMPTS || !(isStale || lane.mayRepeat(error))) throw error
      }
    }
  }
}
