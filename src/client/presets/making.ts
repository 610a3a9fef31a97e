import type { Deterministic } from '../../protocol/context-messages.ts'
import type { Script } from '../compiler/script.ts'
import type { Lane } from '../lane.ts'
import type { Preset } from './preset.ts'

/** How a context is made that is not like any. */
export interface Making {
  readonly preset: Preset
  readonly deterministic: Deterministic | undefined
}

/** Has `call` make a context so. `scripts` are those that the call itself names by their hashes. */
export function makeContext(
  lane: Lane,
  context: number,
  { preset, deterministic }: Making,
  scripts: readonly Script[],
  call: () => Promise<unknown>,
): Promise<unknown> {
  const plan = {
    globals: preset.globals,
    timeoutMs: preset.timeout,
    scripts: preset.scripts.map(({ hash }) => Buffer.from(hash, 'hex')),
    deterministic,
  }
  return lane.withScripts([...preset.scripts, ...scripts], () => lane.planned(context, plan, call))
}
