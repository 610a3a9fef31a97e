import type { Box } from 'glovebox'
import { expect, test } from 'vitest'
import type { ClientToWorker } from '../../src/protocol/channel-link.ts'
import { testDaemon } from '../support/daemons.ts'
import { handleCounts } from '../support/handle-counts.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient, type Said } from '../support/raw-worker-client.ts'

/**
 * Random conversations with a real worker: requests and answers of every kind, some that fit and some that do not, in any order. Each request is answered once, the worker lives, and nothing is
 * left of what crossed.
 */
checkLeaks()
const SEEDS = [1, 2, 3, 4, 5, 6]
const STEPS = 600
const CONTEXTS = [1, 2, 3]

/** mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const SOURCES = [
  '1',
  'var x = (x ?? 0) + 1; x',
  'sync(1)',
  '[1, 2].map((n) => sync(n))',
  'later(1)',
  '(async () => [await later(1), await later(() => 1)])()',
  'new Promise((resolve) => setTimeout(() => resolve(sync(2)), 1))',
  'setTimeout(() => later(3).catch(() => {}), 2); 0',
  '(...args) => sync(args.length)',
  '[() => 1, { f: () => later(2) }]',
  'new Promise(() => {})',
  'for (;;);',
  'throw new Error("no")',
  '(',
  'queueMicrotask(() => sync(() => 1)); 5',
  'Promise.reject(1); 6',
  'console.log(1, { a: 1 }); 7',
  'later.call(null, { length: 5 }, sync)',
  'dispose?.(1)',
  '"x".repeat(1e5)',
  'import("./a")',
  '(async () => [await import("a").catch(() => 1), await import("b", { with: { type: "json" } })])()',
]

/** Answers to a lookup of modules, and some that are none. */
const MODULES = [
  [0, 'a', 'module', 'import "./b"; export default 1', 'a', undefined],
  [0, 'a', 'module', undefined, 'a', undefined],
  [0, 'b', 'module', 'import "./a"; await later(1); export const f = () => import.meta.url', 'b', { url: 1 }],
  [0, 'c', 'commonjs', 'exports.a = 1; require("./d"); import("./a")', 'c', undefined],
  [0, 'd', 'json', '{"a":1}', 'd', undefined],
  [0, 'e', 'module', 'for (;;);', 'e', undefined],
  [0, 'f', 'module', '}', 'f', undefined],
  [1, new Error('none'), 'where'],
  [1, 1, 1],
  [0, 1, 2, 3, 4, 5],
  [2],
]

class Conversation {
  readonly #client: RawWorkerClient
  readonly #below: (below: number) => number
  readonly #requests = new Set<number>()
  /** Contexts that were made for one run each. */
  readonly #once: number[] = []
  #run = 0
  #seen = 0

  constructor(client: RawWorkerClient, seed: number) {
    this.#client = client
    this.#below = random(seed)
  }

  async talk(): Promise<void> {
    for (const context of CONTEXTS) this.#request({ type: 'create', run: this.#next(), context }, this.#globals())
    for (let step = 0; step < STEPS; step++) {
      this.#say()
      if (this.#below(4) === 0) await this.#listen()
    }
  }

  /** Disposes everything, answers what is still asked, and gives the outcomes by run. */
  async end(): Promise<Map<number, number>> {
    // Past all numbers that are cancelled already.
    this.#run += 10
    for (const context of [...CONTEXTS, 4, ...this.#once]) this.#request({ type: 'dispose', run: this.#next(), context })
    const until = performance.now() + 20_000
    for (;;) {
      await this.#listen()
      const outcomes = outcomesOf(this.#client.all)
      if ([...this.#requests].every((run) => outcomes.has(run))) return outcomes
      if (performance.now() > until || this.#client.isClosed)
        throw new Error(`without an answer: ${[...this.#requests].filter((run) => !outcomes.has(run)).join()}`)
    }
  }

  get requests(): ReadonlySet<number> {
    return this.#requests
  }

  #say(): void {
    const run = this.#next()
    const context = this.#below(20) === 0 ? 77 : this.#pick(CONTEXTS)
    const timeoutMs = this.#pick([0, 5, 30, 100])
    const source = this.#pick(SOURCES)
    const base = { run, context, timeoutMs }
    switch (this.#below(18)) {
      case 0:
        return this.#request({ type: 'create', run, context: this.#pick([...CONTEXTS, 4]) }, this.#value())
      case 1:
        return this.#request({ type: 'dispose', run, context })
      case 2:
      case 3:
      case 4:
      case 5:
        return this.#request({ type: 'run', ...base, filename: undefined, source })
      case 6:
        this.#once.push(1_000 + run)
        return this.#request({ type: 'onceWith', ...base, context: 1_000 + run, filename: undefined, source }, this.#globals())
      case 7:
        return this.#request({ type: 'call', ...base, name: this.#pick(['f', 'sync', 'later', 'x.y.z', '']) }, this.#value())
      case 8:
        return this.#request({ type: 'invoke', ...base, handle: this.#below(6) }, this.#value())
      case 9:
        return this.#request({ type: 'set', ...base, name: this.#pick(['f', 'sync', 'v']) }, this.#value())
      case 10:
        return this.#request({ type: this.#pick(['get', 'delete', 'globals'] as const), ...base, name: this.#pick(['f', 'v', 'x']) })
      case 11:
        return this.#request({ type: 'many', ...base, filename: undefined, source }, this.#value())
      case 12:
        // Of a run that is over, one under way, or one that is still to come.
        return this.#client.send({ type: 'cancel', run: Math.max(1, run - 3 + this.#below(6)) })
      case 13:
        return this.#client.send({ type: 'releasedByHost', context, handles: [this.#below(6), 1 + this.#below(3), this.#below(9), 1] })
      case 14:
        return this.#answer(context, this.#below(40))
      case 15:
        return this.#request(
          { type: 'import', ...base, name: '' },
          this.#pick([
            ['a', '', this.#lookups()],
            ['./b', 'json', this.#lookups(), false],
            ['a', ''],
            ['a', 1, this.#lookups()],
            this.#value(),
          ]),
        )
      case 16:
        return this.#request({ type: 'modules', ...base, name: '' }, this.#pick([this.#lookups(), this.#lookups(), this.#value()]))
      default:
        return this.#request({ type: 'idle', ...base, name: '' })
    }
  }

  /** Lets the worker speak, and answers what it asks: mostly as it should. */
  async #listen(): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, 1)
    })
    const { all } = this.#client
    for (; this.#seen < all.length; this.#seen++) {
      const said = all[this.#seen] as Said
      if (said.type === 'hostCall') {
        if (this.#below(10) > 0) this.#answer(said.context, said.call)
        if (this.#below(10) === 0) this.#answer(said.context, said.call)
      } else if (said.type === 'outcomes' && this.#below(5) > 0) this.#client.send({ type: 'more', run: said.run })
    }
  }

  #answer(context: number, call: number): void {
    const kind = this.#below(6)
    if (kind === 0) this.#client.send({ type: 'promised', context, call })
    this.#client.send({ type: kind === 1 ? 'raised' : 'returned', context, call }, this.#value())
  }

  #value(): unknown {
    return this.#pick([
      () => [],
      () => [1, 'two', { three: 3 }],
      () => [() => 1],
      () => ({ f: () => 1, v: [1] }),
      () => undefined,
      () => 'text',
      () => new Map([[1, () => 1]]),
      () => [new Uint8Array(3_000), async () => 1],
      () => new Error('raised'),
      () => [[[[[]]]]],
      () => [this.#pick(MODULES)],
      () => [this.#pick(MODULES), this.#pick(MODULES)],
      () => this.#pick(MODULES),
    ])()
  }

  #lookups(): unknown {
    return [async () => 1, () => 1]
  }

  #globals(): unknown {
    return { sync: () => 1, later: async () => 1, v: 1 }
  }

  #request(message: ClientToWorker & { readonly run: number }, ...payload: readonly unknown[]): void {
    this.#requests.add(message.run)
    this.#client.send(message, ...payload)
  }

  #next(): number {
    return ++this.#run
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }
}

/** How often each run was answered. */
function outcomesOf(all: readonly Said[]): Map<number, number> {
  const outcomes = new Map<number, number>()
  for (const said of all) {
    const isAnswer = said.type === 'done' || said.type === 'threw' || said.type === 'failed' || (said.type === 'outcomes' && said.done)
    if (isAnswer) outcomes.set(said.run, (outcomes.get(said.run) ?? 0) + 1)
  }
  return outcomes
}

async function undisturbed(box: Box): Promise<void> {
  expect(await box.run('1 + 1')).toBe(2)
  expect((await box.status()).deaths).toEqual([])
}

test.each(SEEDS)('a random conversation, %i', async (seed) => {
  await using daemon = await testDaemon({ max: 1 })
  await using box = await daemon.connect()
  await using client = await RawWorkerClient.connect(daemon.socket)
  const conversation = new Conversation(client, seed)
  await conversation.talk()
  const outcomes = await conversation.end()
  expect([...conversation.requests].filter((run) => outcomes.get(run) !== 1)).toEqual([])
  expect([...outcomes.keys()].filter((run) => !conversation.requests.has(run))).toEqual([])
  await undisturbed(box)
  await handleCounts(box, {})
})
