import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Context } from 'glovebox'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects what nobody holds in this process. Callbacks of registries come in later turns. */
export function collectGarbage(): void {
  collect()
}

/** Has a guest leave so much behind that V8 collects. */
export async function pressMemory(ctx: Context): Promise<void> {
  await ctx.run('{ const waste = []; for (let i = 0; i < 2e5; i++) waste.push({ i, text: `${i}` }) } new Uint8Array(2e6).length')
}
