import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { InvalidOptionError, OptionReader } from '../../src/base/options.ts'
import { defaultSocketPath } from '../../src/base/socket-path.ts'
import { ContextCount } from '../../src/daemon/context-count.ts'
import { causeOfDeath, type DeathEvidence } from '../../src/daemon/death-cause.ts'
import { LastWords } from '../../src/daemon/last-words.ts'
import { CpuShare } from '../../src/daemon/cpu-share.ts'
import { place, placeBeside } from '../../src/daemon/placement.ts'
import { type Waiter, WaitingLine } from '../../src/daemon/waiting-line.ts'
import { WorkerTurnover } from '../../src/daemon/worker-turnover.ts'
import { nextWorkerState, type WorkerEvent, type WorkerState } from '../../src/daemon/worker-state.ts'
import type { DeathCause, Report } from '../../src/protocol/report.ts'

test('worker state × event', () => {
  const report: Report = { phase: 'run', worker: 1, cpuMs: 0, wallMs: 0, peakRssBytes: 0 }
  const states: WorkerState[] = [
    { type: 'booting' },
    { type: 'spare', bootMs: 40 },
    { type: 'bound', tenant: 'a', dedicated: false },
    { type: 'ending', cause: 'protocol', reason: 'first' },
    { type: 'dead', report },
  ]
  const events: WorkerEvent[] = [
    { type: 'ready', bootMs: 41 },
    { type: 'bind', tenant: 'b', dedicated: true },
    { type: 'kill', cause: 'protocol', reason: 'second' },
    { type: 'exited', report },
  ]
  const cell = (state: WorkerState, event: WorkerEvent): string => nextWorkerState(state, event)?.type ?? '-'
  const table = [
    ['', ...events.map(({ type }) => type)],
    ...states.map((state) => [state.type, ...events.map((event) => cell(state, event))]),
  ]
  expect(
    table
      .map((row) =>
        row
          .map((each) => each.padEnd(8))
          .join('')
          .trimEnd(),
      )
      .join('\n'),
  ).toBe(`\
        ready   bind    kill    exited
booting spare   -       ending  dead
spare   -       bound   ending  dead
bound   -       -       ending  dead
ending  -       -       -       dead
dead    -       -       -       -`)
  expect(nextWorkerState({ type: 'booting' }, { type: 'ready', bootMs: 41 })).toEqual({ type: 'spare', bootMs: 41 })
  expect(nextWorkerState({ type: 'spare', bootMs: 1 }, { type: 'bind', tenant: 'b', dedicated: true })).toEqual({
    type: 'bound',
    tenant: 'b',
    dedicated: true,
  })
  expect(nextWorkerState({ type: 'booting' }, { type: 'kill', cause: 'protocol', reason: 'why' })).toEqual({
    type: 'ending',
    cause: 'protocol',
    reason: 'why',
  })
  expect(nextWorkerState({ type: 'ending', cause: 'protocol', reason: 'why' }, { type: 'exited', report })).toEqual({
    type: 'dead',
    report,
  })
})

test.each<
  [
    workers: readonly (readonly [contexts: number, waitingRuns?: number, cpuShare?: number])[],
    mayGrow: boolean,
    choice: number | 'new' | undefined,
  ]
>([
  [[], true, 'new'],
  [[], false, undefined],
  [[[0]], true, 0],
  [[[3]], true, 'new'],
  [[[3]], false, 0],
  [[[2], [0], [1]], true, 1],
  [[[2], [5], [1]], true, 'new'],
  [[[2], [5], [1]], false, 2],
  [[[4], [4]], false, 0],
  // One without contexts may compute all the same: single runs leave none.
  [[[0, 0, 1]], true, 'new'],
  [
    [
      [0, 0, 1],
      [9, 0, 0],
    ],
    false,
    1,
  ],
  // Runs that wait may have been answered since.
  [[[0, 2, 0]], true, 0],
  [
    [
      [4, 3, 0.1],
      [4, 0, 0],
    ],
    false,
    1,
  ],
  // What differs by less than the figure is worth counts as equal.
  [
    [
      [5, 0, 0.05],
      [4, 0, 0.1],
    ],
    false,
    1,
  ],
  [
    [
      [4, 0, 0.9],
      [40, 0, 0.1],
    ],
    false,
    1,
  ],
])('placement among workers with contexts, runs and processor share %j, room for more: %s → %s', (given, mayGrow, choice) => {
  const workers = given.map(([contexts, waitingRuns = 0, cpuShare = 0]) => ({ contexts, waitingRuns, cpuShare }))
  expect(place(workers, mayGrow)).toBe(typeof choice === 'number' ? workers[choice] : choice)
})

test.for<[shares: readonly number[], own: readonly number[], spare: boolean, choice: number | 'spare' | undefined]>([
  [[1], [0], true, 'spare'],
  [[1], [0], false, undefined],
  [[1, 0], [0], true, 1],
  // Others' runs are in its way there, too.
  [[1, 0.6], [0], true, 'spare'],
  [[1, 0.6], [0], false, undefined],
  [[0, 0], [0, 1], false, undefined],
])(
  'runs beside those in workers with processor shares %j, of which the client has %j, a spare: %s → %s',
  ([shares, own, hasSpare, choice]) => {
    const candidate = (cpuShare: number): { contexts: number; waitingRuns: number; cpuShare: number } => ({
      contexts: 0,
      waitingRuns: 0,
      cpuShare,
    })
    const workers = shares.map(candidate)
    const spare = candidate(0)
    const chosen = placeBeside(
      own.map((index) => workers[index] as (typeof workers)[number]),
      workers,
      hasSpare ? spare : undefined,
    )
    expect(chosen).toBe(choice === 'spare' ? spare : choice === undefined ? undefined : workers[choice])
  },
)

test('the share of a core counts what a process has done for a while, and still does', () => {
  const share = new CpuShare()
  share.sampled(5_000, 0)
  expect(share.value).toBe(0)
  share.sampled(5_250, 250)
  // Too soon after the last.
  share.sampled(5_300, 260)
  expect(share.value).toBeCloseTo(0.2)
  for (let ms = 500; ms <= 5_000; ms += 250) share.sampled(5_000 + ms, ms)
  expect(share.value).toBeGreaterThan(0.95)
  share.sampled(10_000, 5_250)
  expect(share.value).toBe(0)
})

describe('options', () => {
  const read = (given: unknown): OptionReader => new OptionReader('make()', given)
  test.each<[title: string, ask: (read: OptionReader) => unknown, given: unknown, message: string]>([
    ['string', (r) => r.string('a'), { a: 5 }, "option 'a' must be a string, got 5"],
    ['string null', (r) => r.string('a'), { a: null }, "option 'a' must be a string, got null"],
    ['boolean', (r) => r.boolean('a'), { a: 'true' }, 'option \'a\' must be true or false, got "true"'],
    ['integer low', (r) => r.integer('a', 1, 5), { a: 0 }, "option 'a' must be a whole number from 1 to 5, got 0"],
    ['integer high', (r) => r.integer('a', 1, 5), { a: 6 }, "option 'a' must be a whole number from 1 to 5, got 6"],
    ['integer fraction', (r) => r.integer('a', 1, 5), { a: 1.5 }, "option 'a' must be a whole number from 1 to 5, got 1.5"],
    ['integer NaN', (r) => r.integer('a', 1, 5), { a: Number.NaN }, "option 'a' must be a whole number from 1 to 5, got NaN"],
    [
      'integer Infinity',
      (r) => r.integer('a', 1, 5),
      { a: Number.POSITIVE_INFINITY },
      "option 'a' must be a whole number from 1 to 5, got Infinity",
    ],
    ['integer text', (r) => r.integer('a', 1, 5), { a: '3' }, 'option \'a\' must be a whole number from 1 to 5, got "3"'],
    ['integer bigint', (r) => r.integer('a', 1, 5), { a: 3n }, "option 'a' must be a whole number from 1 to 5, got 3"],
    ['choice', (r) => r.oneOf('a', ['x', 'y']), { a: 'z' }, "option 'a' must be one of 'x', 'y', got \"z\""],
    ['signal', (r) => r.signal('a'), { a: {} }, "option 'a' must be an AbortSignal, got an object"],
    ['object', (r) => r.object('a'), { a: [] }, "option 'a' must be an object, got an array"],
    ['long text', (r) => r.boolean('a'), { a: 'x'.repeat(100) }, `option 'a' must be true or false, got "${'x'.repeat(80)}…"`],
    ['symbol', (r) => r.string('a'), { a: Symbol('s') }, "option 'a' must be a string, got Symbol(s)"],
    [
      'unknown',
      (r) => (r.string('a'), r.string('b'), r.finish()),
      { c: true },
      "option 'c' is not an option of make(); it takes 'a', 'b', got true",
    ],
  ])('%s', (_title, ask, given, message) => {
    let thrown: unknown
    try {
      ask(read(given))
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(InvalidOptionError)
    expect(thrown).toMatchObject({ name: 'InvalidOptionError', code: 'ERR_INVALID_OPTION', message })
  })

  test.each([['text'], [5], [null], [[]]])('no bag of options: %j', (given) => {
    expect(() => read(given)).toThrow(/^option 'make\(\)' takes an object of options, got /)
  })

  test('what is right, and what is absent', () => {
    const reader = read({ a: '', b: false, c: 5, d: 'y', e: {} })
    expect([reader.string('a'), reader.boolean('b'), reader.integer('c', 5, 5), reader.oneOf('d', ['x', 'y']), reader.object('e')]).toEqual(
      ['', false, 5, 'y', {}],
    )
    expect([
      reader.string('f'),
      reader.boolean('g'),
      reader.integer('h', 1, 2),
      reader.oneOf('i', ['x']),
      reader.object('j'),
      reader.signal('k'),
    ]).toEqual(Array.from({ length: 6 }))
    expect(() => reader.finish()).not.toThrow()
    expect(() => read(undefined).finish()).not.toThrow()
  })
})

describe('last words', () => {
  async function wordsOf(chunks: readonly (string | Buffer)[]): Promise<string | undefined> {
    const stderr = new PassThrough()
    const words = new LastWords(stderr, 1 << 30, () => undefined)
    for (const chunk of chunks) stderr.write(chunk)
    stderr.end()
    await new Promise((resolve) => {
      stderr.once('end', resolve)
    })
    return words.line()
  }

  test.each<[title: string, chunks: readonly (string | Buffer)[], line: string | undefined]>([
    ['none', [], undefined],
    ['blank lines', ['\n  \n\n'], undefined],
    ['the last line', ['first\nsecond\n\n'], 'second'],
    ['a line in pieces', ['fir', 'st\nsec', 'ond'], 'second'],
    ['V8’s fatal error', ['<--- GCs --->\n#\n# Fatal error in , line 0\n# unreachable\n#\n stack\n'], '# Fatal error in , line 0'],
    ['an exception', ['at x\nRangeError: too much\n    at y\n\nNode.js v26\n'], 'RangeError: too much'],
    ['a failed assertion', ['node: ../src/x.cc:5: Assertion `a == b` failed.\nmore'], 'node: ../src/x.cc:5: Assertion `a == b` failed.'],
    ['terminal codes', ['\u001b[31mred\u001b[0m\u0007 \u0000end'], '?[31mred?[0m? ?end'],
    ['bytes that are no text', [Buffer.from([0x80, 0xff, 0x41])], '??A'],
    ['carriage returns', ['over\rwritten\n'], 'over?written'],
    ['a very long line', ['x'.repeat(5_000)], 'x'.repeat(300)],
    ['a flood', [...Array.from({ length: 200 }, () => `${'y'.repeat(999)}\n`), 'the end'], 'the end'],
  ])('%s', async (_title, chunks, line) => {
    expect(await wordsOf(chunks)).toBe(line)
  })
})

describe('the socket’s path', () => {
  afterEach(() => vi.unstubAllEnvs())

  test.each([
    ['/run/user/1000', '/run/user/1000/glovebox/daemon.sock'],
    ['/tmp/x/', '/tmp/x/glovebox/daemon.sock'],
    ['', '/run/glovebox/daemon.sock'],
    [undefined, '/run/glovebox/daemon.sock'],
  ])('XDG_RUNTIME_DIR=%s', (value, path) => {
    vi.stubEnv('XDG_RUNTIME_DIR', value)
    expect(defaultSocketPath()).toBe(path)
  })
})

describe('what a worker died of', () => {
  const none = { endedFor: undefined, signal: undefined, lastWords: undefined, oomKills: { inCgroup: 0, onMachine: 0 } }
  test.each<[title: string, evidence: Partial<DeathEvidence>, cause: DeathCause]>([
    ['it exits', {}, 'exit'],
    ['somebody kills it', { signal: 'SIGKILL' }, 'signal'],
    ['somebody ends it', { signal: 'SIGTERM' }, 'signal'],
    ['the processor refuses', { signal: 'SIGSEGV' }, 'fatal'],
    ['the filter of system calls kills it', { signal: 'SIGSYS' }, 'fatal'],
    ['V8 gives up', { signal: 'SIGTRAP', lastWords: '# Fatal error in , line 0' }, 'fatal'],
    [
      'the heap is full',
      { signal: 'SIGABRT', lastWords: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory' },
      'heap',
    ],
    ['a zone of the parser', { signal: 'SIGTRAP', lastWords: '# Fatal process out of memory: Zone' }, 'off-heap'],
    ['the C++ library', { signal: 'SIGABRT', lastWords: 'what():  std::bad_alloc' }, 'off-heap'],
    ['words alone prove nothing', { signal: 'SIGKILL', lastWords: 'JavaScript heap out of memory' }, 'signal'],
    ['nor does an exit', { lastWords: 'JavaScript heap out of memory' }, 'exit'],
    ['the kernel kills it, in its cgroup', { signal: 'SIGKILL', oomKills: { inCgroup: 1, onMachine: 1 } }, 'oom-kill'],
    ['the kernel kills something, and it was killed', { signal: 'SIGKILL', oomKills: { inCgroup: 0, onMachine: 1 } }, 'oom-kill'],
    ['the kernel kills something else', { signal: 'SIGABRT', oomKills: { inCgroup: 0, onMachine: 1 } }, 'fatal'],
    ['the daemon ends it', { endedFor: 'unresponsive', signal: 'SIGKILL' }, 'unresponsive'],
    [
      'the daemon ends it while the kernel kills something',
      { endedFor: 'protocol', signal: 'SIGKILL', oomKills: { inCgroup: 0, onMachine: 1 } },
      'protocol',
    ],
  ])('%s: %o', (_title, evidence, cause) => {
    expect(causeOfDeath({ ...none, ...evidence })).toBe(cause)
  })
})

describe('who waits for a worker', () => {
  const entry = (tenant: string, weight = 1) => ({ tenant, weight, dedicated: true })
  const order = (entries: readonly Waiter[], held: Record<string, number>, max = 10): string => {
    const line = new WaitingLine()
    for (const each of entries) line.add(each)
    const served: string[] = []
    for (;;) {
      const next = line.next(
        (tenant) => held[tenant] ?? 0,
        ({ tenant }) => (held[tenant] ?? 0) < max,
      )
      if (next === undefined) return served.join('')
      served.push(next.tenant)
      held[next.tenant] = (held[next.tenant] ?? 0) + 1
    }
  }

  test('within a tenant who came first', () => {
    const line = new WaitingLine()
    const [first, second] = [entry('a'), entry('a')]
    line.add(first)
    line.add(second)
    expect([line.size, line.countOf('a'), line.countOf('b')]).toEqual([2, 2, 0])
    expect(
      line.next(
        () => 0,
        () => true,
      ),
    ).toBe(first)
    expect([line.remove(second), line.remove(second), line.size]).toEqual([true, false, 0])
  })

  test('among tenants who has the fewest for its weight', () => {
    const a = Array.from({ length: 6 }, () => entry('a'))
    const b = Array.from({ length: 3 }, () => entry('b'))
    expect(order([...a, ...b], {})).toBe('abababaaa')
    expect(order([...a, ...b], { a: 3 })).toBe('bbbaaaaaa')
    expect(order([...Array.from({ length: 6 }, () => entry('a', 2)), ...b], {})).toBe('abaabaaba')
    expect(order([...a, ...b], { a: 3, b: 1 }, 3)).toBe('bb')
  })

  test.each([
    [1, 'ababa'],
    [2, 'abaab'],
  ])('if none has any, in turns by weight %d', (weight, wanted) => {
    const line = new WaitingLine()
    for (const tenant of ['a', 'a', 'a', 'b', 'b']) line.add(entry(tenant, tenant === 'a' ? weight : 1))
    const served = Array.from({ length: 5 }, () =>
      line.next(
        () => 0,
        () => true,
      ),
    )
    expect(served.map((each) => each?.tenant).join('')).toBe(wanted)
  })

  test('how long that may take', () => {
    const turnover = new WorkerTurnover()
    expect([turnover.estimateMs(1, 0), turnover.estimateMs(3, 0)]).toEqual([100, 300])
    for (let i = 0; i <= 50; i++) turnover.served(1_000 * i, true)
    expect(turnover.estimateMs(1, 50_000)).toBeGreaterThan(950)
    expect(turnover.estimateMs(1, 50_000)).toBeLessThan(1_001)
    // It takes longer this time.
    expect(turnover.estimateMs(1, 55_000)).toBe(5_000)
  })
})

test('contexts that a worker has: a report that is older than a lease does not undo it', () => {
  const count = new ContextCount()
  count.report(0)
  count.promise(1_000)
  count.report(0)
  expect(count.at(1_001)).toBe(1)
  count.report(1)
  expect(count.at(1_002)).toBe(1)
  // A lease that comes to nothing, and two of which one shows.
  count.promise(1_003)
  expect([count.at(1_004), count.at(2_003)]).toEqual([2, 1])
  count.promise(2_004)
  count.promise(2_005)
  count.report(2)
  expect(count.at(2_006)).toBe(3)
  count.report(0)
  expect([count.at(2_007), count.at(9_000)]).toEqual([1, 0])
})
