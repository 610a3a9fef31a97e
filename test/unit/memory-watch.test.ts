import { describe, expect, test } from 'vitest'
import { createLog } from '../../src/daemon/log.ts'
import { highWaterMark, MemoryWatch, type Watched } from '../../src/daemon/memory-watch.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB

test.each([
  ['a cgroup and a large machine: nine tenths of its limit', 1_000, 64_000, 900],
  ['a cgroup and a small machine: half of that', 1_000, 1_000, 500],
  ['no cgroup', undefined, 64_000, 32_000],
])('the mark: %s', (_title, cgroup, machine, mark) => {
  expect(highWaterMark(cgroup === undefined ? undefined : cgroup * MIB, machine * MIB)).toBe(mark * MIB)
})

describe('what is seen, and what is done', () => {
  const settings = { highWaterOf: () => 500 * MIB, machineBytes: GIB, recycleAfter: 100, drainMs: 60_000 }
  const figures = { tenant: 'a', state: { type: 'bound' }, rssBytes: 100 * MIB, runs: 0, contexts: 1, isDraining: false }

  /** Looks at workers as often as they have figures, and tells what is done: which worker drains for which limit, which is killed. */
  function looks(times: readonly (readonly Partial<Watched>[])[], drainMs = settings.drainMs): string[] {
    const done: string[] = []
    const drains = (worker: Watched, why: { readonly limit: string } | undefined): void => {
      worker.isDraining = true
      done.push(`${worker.number} drains: ${why?.limit ?? 'many runs'}`)
    }
    const watch = new MemoryWatch<Watched>({ ...settings, drainMs: () => drainMs }, { drains }, createLog('silent'))
    const workers = (times[0] ?? []).map((_, index) => ({
      ...figures,
      number: index + 1,
      kill: (cause: string) => void done.push(`${index + 1} is killed: ${cause}`),
    }))
    for (const each of times) {
      for (const [index, seen] of each.entries()) Object.assign(workers[index] as object, seen)
      watch.look(workers)
    }
    return done
  }

  test.each<[title: string, times: readonly (readonly Partial<Watched>[])[], done: readonly string[]]>([
    ['at the mark', [[{ rssBytes: 500 * MIB }], [{}], [{}]], []],
    ['above it, twice in a row', [[{ rssBytes: 500 * MIB + 1 }], [{}], [{}]], ['1 drains: highWater']],
    ['above it for a moment', [[{ rssBytes: 600 * MIB }], [{ rssBytes: MIB }], [{ rssBytes: 600 * MIB }], [{ rssBytes: MIB }]], []],
    ['far above', [[{ rssBytes: 700 * MIB }], [{}], [{}]], ['1 drains: highWater', '1 is killed: high-water']],
    ['a spare', [[{ rssBytes: 700 * MIB, state: { type: 'spare' } }], [{}], [{}]], []],
    [
      'together more than four fifths of the machine: the largest, and no other while it ends',
      [
        [{ rssBytes: 400 * MIB }, { rssBytes: 430 * MIB }],
        [{}, {}],
        [{}, {}],
      ],
      ['2 drains: machineMemory'],
    ],
    ['many runs', [[{ runs: 100, contexts: 0 }], [{}]], ['1 drains: many runs']],
    ['many runs, and a context', [[{ runs: 100 }], [{}]], []],
    ['not so many', [[{ runs: 99, contexts: 0 }], [{}]], []],
  ])('%s', (_title, times, done) => {
    expect(looks(times)).toEqual(done)
  })

  test('what drains is ended when the time is up', () => {
    expect(looks([[{ rssBytes: 600 * MIB }], [{}], [{}]], 0)).toEqual(['1 drains: highWater', '1 is killed: high-water'])
  })
})
