import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Status, WorkerStatus } from '../../src/client/index.ts'
import { figuresOf } from '../../src/cli/top/figures.ts'
import { frameOf } from '../../src/cli/top/frame.ts'
import { quantileMs } from '../../src/cli/top/quantile.ts'
import { INITIAL_VIEW, pressed, type ViewState } from '../../src/cli/top/view-state.ts'

test.each([
  ['nothing', [0, 0, 0], 0.5, undefined],
  ['one class, spread evenly', [10, 0, 0], 0.5, 0.5],
  ['the second class', [5, 5, 0], 0.75, 1 + 9 * 0.5],
  ['the last bound for what has none', [0, 0, 4], 0.99, 10],
])('a quantile of %s', (_, runs, quantile, expected) => {
  const bounds = [1, 10, undefined]
  expect(
    quantileMs(
      runs.map((each, at) => ({ maxMs: bounds[at], runs: each })),
      quantile,
    ),
  ).toBe(expected)
})

test.each<[keys: string[], workers: number, expected: Partial<ViewState> | undefined]>([
  [['q'], 2, undefined],
  [['p'], 2, { isPaused: true }],
  [['space', 'space'], 2, { isPaused: false }],
  [['s'], 2, { sort: 'memory' }],
  [['s', 's', 's', 's', 's', 's'], 2, { sort: 'cpu' }],
  [['r'], 2, { isReversed: true }],
  [['down', 'down', 'down'], 2, { row: 1 }],
  [['down', 'up', 'up'], 2, { row: 0 }],
  [['down'], 0, { row: 0 }],
  [['return'], 2, { isOpen: true }],
  [['return'], 0, { isOpen: false }],
  [['return', 'escape'], 2, { isOpen: false }],
  [['x', 'f1'], 2, {}],
])('keys %j', (keys, workers, expected) => {
  let state: ViewState | undefined = INITIAL_VIEW
  for (const key of keys) state = state === undefined ? undefined : pressed(state, key, workers)
  expect(state).toEqual(expected === undefined ? undefined : { ...INITIAL_VIEW, ...expected })
})

const MIB = 1024 * 1024
const worker = (number: number, tenant: string, runs: number, cpuMs: number): WorkerStatus => {
  const memory = { rssBytes: number * 10 * MIB, peakRssBytes: number * 20 * MIB }
  return { worker: number, pid: 100 + number, state: 'bound', tenant, contexts: 2, handles: 3, runs, cpuMs, ...memory }
}
const status = (workers: readonly WorkerStatus[], completed: number, threw: number): Status =>
  ({
    daemon: { version: '1.2.3', pid: 7, startedAt: '', uptimeMs: 90_000, socket: '/s', clients: 1 },
    limits: { maxWorkers: 8 },
    queue: { waiting: 4 },
    tenants: [
      {
        tenant: 'a\x1b[2J',
        runs: { completed, threw },
        cpu: { usedMs: 2_000, limitMs: 60_000 },
        durations: [{ maxMs: 1, runs: completed }, { maxMs: 10, runs: threw }, { runs: 0 }],
      },
    ],
    workers,
    compilers: [],
    deaths: [
      { phase: 'run', worker: 1, signal: 'SIGKILL', cause: 'heap', reason: '\x07out of memory', cpuMs: 1, wallMs: 1, peakRssBytes: 1 },
    ],
  }) as unknown as Status

const before = { atMs: 1_000, status: status([worker(2, 'a\x1b[2J', 100, 1_000)], 100, 0) }
const after = { atMs: 3_000, status: status([worker(2, 'a\x1b[2J', 300, 2_000), worker(3, 'b', 20, 500)], 290, 10) }
const figures = figuresOf(before, after, '2026-01-01T00:00:00.000Z')
const text = (view: Partial<ViewState>): string => stripVTControlCharacters(frameOf(figures, { ...INITIAL_VIEW, ...view }).join('\n'))

test('a frame', () => {
  expect(text({ row: 1, isPaused: true })).toBe(`glovebox 1.2.3 pid 7, up 2 min, 1 client  by cpu  PAUSED
2 of 8 workers, 4 waiting, 110 runs/s, cpu 50 %, memory 50 MiB

tenant    workers  contexts  runs/s  failed/s      p50      p99    cpu     in a minute  memory
a\\x1b[2J        1         2     100       5.0  0.53 ms  8.20 ms   50 %  2.0 s of 1 min  20 MiB
b               1         2      10       0.0        -        -  0.0 %               -  30 MiB

   worker  pid  state  tenant    contexts  runs/s    cpu  memory
        2  102  bound  a\\x1b[2J         2     100   50 %  20 MiB
>       3  103  bound  b                2      10  0.0 %  30 MiB

recent deaths
worker  cause  how      why
     1  heap   SIGKILL  \\x07out of memory`)
})

test('order, and one worker alone', () => {
  expect(text({ sort: 'memory' })).toMatch(/> +3 [^]* 2 +102/)
  expect(text({ sort: 'memory', isReversed: true })).toMatch(/> +2 [^]* 3 +103/)
  expect(text({ isOpen: true })).toMatch(
    /\n\nworker 2\n {2}process +102\n {2}state +bound\n {2}tenant +a\\x1b\[2J\n {2}contexts +2\n[^]*\n {2}runs +300, 100 a second\n {2}cpu +2\.0 s, now 50 %\n {2}memory +20 MiB, at most 40 MiB\n/,
  )
})
