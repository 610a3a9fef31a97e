import { eventually } from '../support/eventually.ts'
import type { Figures } from './figures.ts'
import { residentBytes, serve } from './served.ts'

const RUNS_OF_A_CONTEXT = 20
const AT_ONCE = 8

/** Contexts are made, used and dropped: resident memory at the end against that after the first twentieth. */
export async function soak(runs: number): Promise<Figures> {
  await using daemon = await serve({ spare: 1, maxPerTenant: 1 })
  await using box = await daemon.connect()
  await box.run('1')
  let done = 0
  let contexts = 0
  const measure = async (): Promise<{ daemon: number; worker: number }> => {
    const { workers } = await box.status()
    const pid = workers.find(({ state }) => state === 'bound')?.pid
    return { daemon: residentBytes(daemon.pid), worker: pid === undefined ? 0 : residentBytes(pid) }
  }
  const until = async (count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (done < count) {
          await using ctx = await box.createContext({ seen: [], note: (text: string) => text.length })
          contexts++
          const each = Array.from({ length: RUNS_OF_A_CONTEXT }, async (_, i) =>
            ctx.run(`seen.push({ i: ${i}, text: 'x'.repeat(100) }); note('y'); seen.length`),
          )
          await Promise.all(each)
          done += RUNS_OF_A_CONTEXT
        }
      }),
    )
  }
  await until(runs / 20)
  const before = await measure()
  await until(runs)
  // Dropped contexts are collected in the worker's own time.
  const { contexts: left } = await eventually('all contexts gone', async () =>
    (await box.status()).workers.find((each) => each.state === 'bound' && each.contexts === 0),
  )
  const after = await measure()
  return {
    runs: done,
    'contexts made': contexts,
    'contexts left': left,
    "daemon's memory at the end / after a twentieth": after.daemon / before.daemon,
    "worker's memory at the end / after a twentieth": after.worker / before.worker,
  }
}
