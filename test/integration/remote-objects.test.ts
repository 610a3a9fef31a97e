import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ctx = await box.createContext()
  await ctx.run(`
    const all = async (stream) => { const out = []; for await (const chunk of stream) out.push(chunk); return out }
    const streamOf = (...chunks) => new ReadableStream({ pull(c) { if (chunks.length > 0) c.enqueue(chunks.shift()); else c.close() } }, { highWaterMark: 0 }); 0`)
})
afterEach(async () => {
  await ctx.dispose()
})

const streamOf = (...chunks: unknown[]): ReadableStream =>
  new ReadableStream(
    {
      pull(controller) {
        if (chunks.length > 0) controller.enqueue(chunks.shift())
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
const all = async (stream: unknown): Promise<unknown[]> => Array.fromAsync(stream as AsyncIterable<unknown>)

/** Counts up for ever, and notes how far it came and why it was cancelled. */
function counting(): { readonly stream: ReadableStream; readonly produced: () => number; readonly cancelled: Promise<unknown> } {
  let produced = 0
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<unknown>()
  const stream = new ReadableStream({ pull: (controller) => controller.enqueue(++produced), cancel }, { highWaterMark: 0 })
  return { stream, produced: () => produced, cancelled }
}

/** Functions that this side and the worker hold of each other. */
async function handles(): Promise<string> {
  const { client, workers } = await box.status()
  const inWorkers = workers.reduce((sum, { handles }) => sum + handles, 0)
  return `${client.guestFunctions} ${client.hostFunctions} ${inWorkers}`
}

const chunks = [{ n: 1, map: new Map([['k', [new Date(5)]]]) }, undefined, new Uint8Array([1, 2]), 'four']

describe('a ReadableStream', () => {
  test('of the host’s is one of the guest’s realm', async () => {
    await ctx.set('s', streamOf(...chunks))
    expect(await ctx.run('[s instanceof ReadableStream, s.locked]')).toEqual([true, false])
    expect(await ctx.run('all(s)')).toEqual(chunks)
    expect(await ctx.run('s.getReader().read()')).toEqual({ value: undefined, done: true })
  })

  test('of the guest’s is one of the host’s', async () => {
    const stream = (await ctx.run(
      `streamOf({ n: 1, map: new Map([['k', [new Date(5)]]]) }, undefined, new Uint8Array([1, 2]), 'four')`,
    )) as ReadableStream
    expect([stream instanceof ReadableStream, stream.locked]).toEqual([true, false])
    expect(await all(stream)).toEqual(chunks)
  })

  test('of bytes crosses as chunks of bytes', async () => {
    const bytes = new Blob(['a'.repeat(70_000)]).stream()
    const lengths = (await ctx.call('all', bytes)) as Uint8Array[]
    expect(lengths.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(70_000)
    const fromGuest = await ctx.run(
      `new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 2])); c.enqueue(new Uint8Array([3])); c.close() } })`,
    )
    expect(await all(fromGuest)).toEqual([new Uint8Array([1, 2]), new Uint8Array([3])])
  })

  test('crosses wherever a value does', async () => {
    await using own = await box.createContext({
      global: streamOf(1),
      give: () => [streamOf(2)],
      giveLater: async () => ({ s: streamOf(3) }),
    })
    await own.run('const all = async (stream) => { const out = []; for await (const chunk of stream) out.push(chunk); return out }; 0')
    expect(await own.run('all(global)')).toEqual([1])
    expect(await own.run('all(give()[0])')).toEqual([2])
    expect(await own.run('giveLater().then(({ s }) => all(s))')).toEqual([3])
    expect(await own.call('all', streamOf(4))).toEqual([4])
    await own.set('streams', streamOf(streamOf(5)))
    expect(await own.run('(async () => { for await (const s of streams) return all(s) })()')).toEqual([5])

    const heard: unknown[] = []
    await ctx.set('hear', async (stream: unknown) => heard.push(await all(stream)))
    await ctx.run('var global = streamOf(1); const made = () => ({ deep: [streamOf(2)] }); hear(streamOf(3))')
    expect(await all(await ctx.get('global'))).toEqual([1])
    expect(await all(((await ctx.call('made')) as { deep: unknown[] }).deep[0])).toEqual([2])
    expect(heard).toEqual([[3]])
  })

  test('async pipeline: objects of the host’s through the guest’s transforms, back to the host', async () => {
    const people = streamOf({ name: 'ada', born: new Date(0) }, { name: 'alan', born: new Date(1) }, { name: 'grace', born: new Date(2) })
    await ctx.set('people', people)
    await ctx.set('greet', async (name: string) => `hello ${name}`)
    const result = await ctx.run(`
      people
        .pipeThrough(new TransformStream({ transform(person, c) { if (person.name.startsWith('a')) c.enqueue(person) } }))
        .pipeThrough(new TransformStream({ async transform({ name, born }, c) { c.enqueue({ text: await greet(name), ms: +born }) }, flush(c) { c.enqueue('end') } }))`)
    expect(result).toBeInstanceOf(ReadableStream)
    expect(await all(result)).toEqual([{ text: 'hello ada', ms: 0 }, { text: 'hello alan', ms: 1 }, 'end'])

    await ctx.set('lines', streamOf('a,b', 'c,d'))
    const iterable = await ctx.run(`(async function* () { for await (const line of lines) yield* line.split(',') })()`)
    expect(await all(iterable)).toEqual(['a', 'b', 'c', 'd'])

    const bytes = new Blob(['žluť', 'oučký kůň']).stream()
    await ctx.set('bytes', bytes)
    expect(await ctx.run('all(bytes.pipeThrough(new TextDecoderStream())).then((texts) => texts.join(""))')).toBe('žluťoučký kůň')
  })

  test('through two contexts', async () => {
    await using other = await box.createContext()
    await ctx.set('s', await other.run('new ReadableStream({ start(c) { c.enqueue(1); c.enqueue([2]); c.close() } })'))
    expect(await ctx.run('all(s)')).toEqual([1, [2]])
  })

  test('is locked while the other side has it, and a locked one cannot cross', async () => {
    const stream = streamOf(1)
    await ctx.set('s', stream)
    expect(stream.locked).toBe(true)
    const error = await rejection(ctx.set('again', { items: [stream] }))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'ValueError',
      'ERR_VALUE_UNSUPPORTED',
      'value.items[0]: a ReadableStream that is locked cannot cross',
    ])
    const inGuest = await rejection(ctx.run('const mine = streamOf(1); mine.getReader(); ({ items: [mine] })'))
    expect([inGuest.code, inGuest.message]).toEqual([
      'ERR_VALUE_UNSUPPORTED',
      'value.items[0]: a ReadableStream that is locked cannot cross',
    ])
  })

  test('is its owner’s again if the message fails', async () => {
    const stream = streamOf(1)
    await rejection(ctx.set('s', { stream, bad: new WeakMap() }))
    expect(stream.locked).toBe(false)
    await ctx.set('s', stream)
    expect(await ctx.run('all(s)')).toEqual([1])
    await rejection(ctx.run('var mine = streamOf(1); ({ mine, bad: new WeakMap() })'))
    expect(await all(await ctx.run('mine'))).toEqual([1])
  })
})

describe('back-pressure', () => {
  test.each([0, 1, 5])('a guest that takes %i chunks', async (taken) => {
    const { stream, produced } = counting()
    await ctx.set('s', stream)
    await ctx.run(`var reader = s.getReader(); (async () => { for (let n = 0; n < ${taken}; n++) await reader.read() })()`)
    await ctx.run('new Promise((r) => setTimeout(r, 5))')
    expect(produced()).toBe(taken)
  })

  test.each([0, 1, 5])('a host that takes %i chunks', async (taken) => {
    const stream = (await ctx.run(
      'var made = 0; new ReadableStream({ pull(c) { c.enqueue(++made) } }, { highWaterMark: 0 })',
    )) as ReadableStream
    const reader = stream.getReader()
    for (let n = 0; n < taken; n++) await reader.read()
    await ctx.run('new Promise((r) => setTimeout(r, 5))')
    expect(await ctx.get('made')).toBe(taken)
  })

  test('a transform in between lets no more than its own queue through', async () => {
    const { stream, produced } = counting()
    await ctx.set('s', stream)
    const reader = ((await ctx.run('s.pipeThrough(new TransformStream())')) as ReadableStream).getReader()
    for (let n = 1; n <= 3; n++) expect(await reader.read()).toEqual({ value: n, done: false })
    await ctx.run('new Promise((r) => setTimeout(r, 5))')
    expect(produced()).toBeLessThanOrEqual(5)
  })
})

describe('a stream ends', () => {
  test('early, in a guest: the host’s is cancelled with the reason', async () => {
    const { stream, cancelled } = counting()
    await ctx.set('s', stream)
    expect(await ctx.run('(async () => { for await (const n of s) if (n === 3) return n })()')).toBe(3)
    expect(await cancelled).toBe(undefined)
    const other = counting()
    await ctx.set('s', other.stream)
    await ctx.run('s.cancel(new RangeError("enough"))')
    expect(await other.cancelled).toEqual(new RangeError('enough'))
  })

  test('early, at the host: the guest’s is cancelled with the reason, which names no paths', async () => {
    const stream = (await ctx.run(
      `var reason; new ReadableStream({ pull(c) { c.enqueue(1) }, cancel(r) { reason = [r.name, r.message, r.stack.includes('/')] } })`,
    )) as ReadableStream
    await stream.cancel(new RangeError(`enough of ${process.cwd()}`))
    expect(await ctx.get('reason')).toEqual(['RangeError', 'enough of …', false])
    const broken = (await ctx.run(`new ReadableStream({ cancel() { throw new TypeError('guest') } })`)) as ReadableStream
    expect(await rejection(broken.cancel())).toMatchObject({ name: 'TypeError', message: 'guest' })
  })

  test('with an error of the host’s, without its paths', async () => {
    await ctx.set(
      's',
      new ReadableStream({
        pull(controller) {
          controller.error(Object.assign(new RangeError(`gone from ${process.cwd()}`), { code: 'E_GONE' }))
        },
      }),
    )
    expect(await ctx.run(`all(s).catch((e) => [e instanceof RangeError, e.message, e.code, e.stack.includes('/')])`)).toEqual([
      true,
      'gone from …',
      'E_GONE',
      false,
    ])
    expect(await ctx.run('s.getReader().closed.catch((e) => e.message)')).toBe('gone from …')
  })

  test('with an error of the guest’s: a GuestError', async () => {
    const stream = await ctx.run(`new ReadableStream({ pull(c) { c.error(new RangeError('guest')) } })`)
    const error = await rejection(all(stream))
    expect([error.constructor.name, error.name, error.message]).toEqual(['GuestError', 'RangeError', 'guest'])
  })

  test('with a chunk that cannot cross', async () => {
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<unknown>()
    await ctx.set('s', new ReadableStream({ pull: (controller) => controller.enqueue([new WeakMap()]), cancel }))
    expect(await ctx.run('all(s).catch((e) => [e.name, e.message, e.code])')).toEqual([
      'TypeError',
      'value.value[0]: a WeakMap cannot cross',
      'ERR_VALUE_UNSUPPORTED',
    ])
    expect(await cancelled).toEqual(new Error('nobody reads this stream any more'))
    const mine = await ctx.run('var why; new ReadableStream({ pull(c) { c.enqueue([new WeakMap()]) }, cancel(r) { why = r.message } })')
    expect(await rejection(all(mine))).toMatchObject({ code: 'ERR_VALUE_UNSUPPORTED' })
    await eventually('cancelled', async () => (await ctx.get('why')) === 'nobody reads this stream any more')
  })

  test('with its context: the host’s is cancelled, who reads the guest’s is told', async () => {
    const own = await box.createContext()
    const { stream, cancelled } = counting()
    await own.set('s', stream)
    const mine = (await own.run('new ReadableStream({ pull: () => new Promise(() => {}) })')) as ReadableStream
    const reading = mine.getReader().read()
    reading.catch(() => undefined)
    await own.run('0')
    await own.dispose()
    expect(await cancelled).toEqual(new Error('nobody reads this stream any more'))
    expect((await rejection(reading)).constructor.name).toBe('ContextLostError')
  })

  test('with the one run of its context', async () => {
    const { stream, cancelled } = counting()
    expect(await box.run('s.getReader().read()', { globals: { s: stream } })).toEqual({ value: 1, done: false })
    expect(await cancelled).toEqual(new Error('nobody reads this stream any more'))
    const later = await box.run(
      `let n = 0; new ReadableStream({ async pull(c) { await new Promise((r) => setTimeout(r, 1)); if (++n > 3) c.close(); else c.enqueue(n) } })`,
    )
    expect(await all(later)).toEqual([1, 2, 3])
  })

  test('with the deadline of a run that waits for a chunk', async () => {
    await ctx.set('s', new ReadableStream())
    const error = await rejection(ctx.run('all(s)', { timeout: 100 }))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', report: { phase: 'host-call' } })
    expect(error.message).toMatch(/waited for host call 'readStream'/)
    expect(await ctx.run('1')).toBe(1)
  })

  test('when the worker dies', async () => {
    const own = await daemon.connect()
    await using _ = own
    await using dying = await own.createContext()
    const { stream, cancelled } = counting()
    await dying.set('s', stream)
    const mine = (await dying.run('new ReadableStream({ pull: () => new Promise(() => {}) })')) as ReadableStream
    const reading = rejection(mine.getReader().read())
    await dying.run('const a = []; for (;;) a.push(new Array(1e6).fill(1))', { timeout: 30_000 }).catch(() => undefined)
    expect(['WorkerCrashError', 'ContextLostError']).toContain((await reading).constructor.name)
    expect(await cancelled).toEqual(new Error('nobody reads this stream any more'))
  })
})

describe('an AbortSignal', () => {
  test('of the host’s aborts what the guest waits for, with the reason', async () => {
    const controller = new AbortController()
    await ctx.set('signal', controller.signal)
    expect(await ctx.run('[signal instanceof AbortSignal, signal.aborted]')).toEqual([true, false])
    const waiting = rejection(ctx.run(`new Promise((_, reject) => { signal.onabort = (e) => reject(e.target.reason) })`))
    await ctx.run('0')
    controller.abort(new RangeError(`stop ${process.cwd()}`))
    const error = await waiting
    expect([error.name, error.message]).toEqual(['RangeError', 'stop …'])
    expect(await ctx.run('[signal.aborted, signal.reason.message, signal.reason.stack.includes("/")]')).toEqual([true, 'stop …', false])
  })

  test('of the guest’s stops a host function, with the reason', async () => {
    const heard = Promise.withResolvers<readonly unknown[]>()
    await ctx.set('work', async (signal: AbortSignal) => {
      const first = signal instanceof AbortSignal && !signal.aborted
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve)
      })
      heard.resolve([first, signal.aborted, signal.reason])
      signal.throwIfAborted()
    })
    expect(
      await ctx.run(`const controller = new AbortController(); const working = work(controller.signal).catch((e) => e)
        setTimeout(() => controller.abort({ because: [1] }), 1); working`),
    ).toEqual({ because: [1] })
    expect(await heard.promise).toEqual([true, true, { because: [1] }])
  })

  test.each<[name: string, abort: string, reason: unknown]>([
    ['a text', 'controller.abort("why")', 'why'],
    ['nothing', 'controller.abort()', expect.objectContaining({ name: 'AbortError', message: 'This operation was aborted' })],
    ['what cannot cross', 'controller.abort(new WeakMap())', expect.objectContaining({ name: 'AbortError' })],
  ])('with %s as the reason, in both directions', async (_name, abort, reason) => {
    const heard = Promise.withResolvers<unknown>()
    await ctx.set('watch', (signal: AbortSignal) => signal.addEventListener('abort', () => heard.resolve(signal.reason)))
    await ctx.run(`var controller = new AbortController(); watch(controller.signal); 0`)
    await ctx.run(abort)
    expect(await heard.promise).toEqual(reason)
    const controller = new AbortController()
    await ctx.set('signal', controller.signal)
    const waiting = ctx.run(`new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))`)
    await ctx.run('0')
    new Function('controller', abort)(controller) // oxlint-disable-line no-new-func, typescript/no-implied-eval
    expect(await waiting).toEqual(reason)
  })

  test('that has aborted already', async () => {
    await ctx.set('signal', AbortSignal.abort('before'))
    expect(await ctx.run('[signal.aborted, signal.reason]')).toEqual([true, 'before'])
    const mine = (await ctx.run('AbortSignal.abort("before")')) as AbortSignal
    expect([mine.aborted, mine.reason]).toEqual([true, 'before'])
  })

  test('that aborts while it is on its way', async () => {
    const controller = new AbortController()
    const sent = ctx.set('signal', controller.signal)
    controller.abort('early')
    await sent
    await eventually('aborted', async () => (await ctx.run('signal.aborted')) === true)
    const heard = Promise.withResolvers<unknown>()
    await ctx.set('watch', (signal: AbortSignal) => signal.addEventListener('abort', () => heard.resolve(signal.reason)))
    await ctx.run('const controller = new AbortController(); watch(controller.signal); controller.abort("early")')
    expect(await heard.promise).toBe('early')
  })

  test('is what it was in one message, in the next, and at home', async () => {
    const { signal } = new AbortController()
    await ctx.set('pair', [signal, signal])
    await ctx.set('again', signal)
    expect(await ctx.run('pair[0] === pair[1] && pair[0] === again')).toBe(true)
    expect(await ctx.get('again')).toBe(signal)
    const mine = await ctx.run('var own = new AbortController().signal; own')
    expect(await ctx.get('own')).toBe(mine)
    await ctx.set('back', mine)
    expect(await ctx.run('back === own')).toBe(true)
  })

  test('can be combined with others, and passed to what takes signals', async () => {
    const controller = new AbortController()
    await ctx.set('signal', controller.signal)
    const both = ctx.run(`const any = AbortSignal.any([signal, AbortSignal.timeout(1e8)])
      const target = new EventTarget(); let calls = 0; target.addEventListener('x', () => calls++, { signal }); target.dispatchEvent(new Event('x'))
      new Promise((resolve) => any.addEventListener('abort', () => { target.dispatchEvent(new Event('x')); resolve([any.reason, calls]) }))`)
    await ctx.run('0')
    controller.abort('both')
    expect(await both).toEqual(['both', 1])
    const piped = await ctx.run(`const c = new AbortController(); c.signal`)
    const pipe = new ReadableStream({ pull: () => new Promise(() => undefined) }).pipeTo(new WritableStream(), {
      signal: piped as AbortSignal,
    })
    pipe.catch(() => undefined)
    await ctx.run('c.abort("piped")')
    expect(await pipe.catch((reason: unknown) => reason)).toBe('piped')
  })

  test('of which nobody in the guest holds more than its listener', async () => {
    const controller = new AbortController()
    await ctx.set('signal', controller.signal)
    const waiting = ctx.run(
      `{ const { promise, resolve } = Promise.withResolvers(); signal.addEventListener('abort', () => resolve('heard')); delete globalThis.signal; promise }`,
      {
        timeout: 20_000,
      },
    )
    await ctx.run('{ let waste = []; for (let i = 0; i < 12; i++) waste.push(Array(1e6).fill(i)) } 0', { timeout: 20_000 })
    controller.abort()
    expect(await waiting).toBe('heard')
  })

  test('that nobody aborts or holds leaves nothing behind, at either side', { timeout: 60_000 }, async () => {
    const { signal } = new AbortController()
    const waste = '{ let waste = []; for (let i = 0; i < 12; i++) waste.push(Array(1e6).fill(i)) } 0'
    for (let i = 0; i < 10; i++) await ctx.set('signal', signal)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await ctx.delete('signal')
    await eventually('the host’s is let go', async () => {
      await ctx.run(waste, { timeout: 20_000 })
      return getEventListeners(signal, 'abort').length === 0
    })
    await ctx.run('var controllers = []; 0')
    for (let i = 0; i < 10; i++) await ctx.run('controllers.push(new AbortController()); controllers.at(-1).signal')
    await eventually('the guest’s are let go', async () => {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      collectGarbage()
      await ctx.run(waste, { timeout: 20_000 })
      return (await handles()) === '0 0 0'
    })
  })

  test('of a context that is gone is not listened to', async () => {
    const { signal } = new AbortController()
    const own = await box.createContext({ signal })
    await own.run('0')
    await eventually('subscribed', () => getEventListeners(signal, 'abort').length === 1)
    await own.dispose()
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(await box.run('signal.aborted', { globals: { signal } })).toBe(false)
    await eventually('unsubscribed', () => getEventListeners(signal, 'abort').length === 0)
  })
})

test('handles are given back when a stream is done, has failed or was cancelled', async () => {
  // Workers tell of their handles four times a second: those of the test before may still be counted.
  await eventually('no handles before', async () => (await handles()) === '0 0 0')
  await ctx.set('a', streamOf(1))
  await ctx.set('b', counting().stream)
  await ctx.set(
    'c',
    new ReadableStream({
      pull() {
        throw new Error('x')
      },
    }),
  )
  const mine = (await ctx.run('[streamOf(1), streamOf(1), new ReadableStream({ pull() { throw 1 } })]')) as [
    ReadableStream,
    ReadableStream,
    ReadableStream,
  ]
  await eventually('all are counted', async () => (await handles()) === '3 3 6')
  await ctx.run('all(a).then(() => b.cancel()).then(() => all(c)).catch(() => {})')
  await all(mine[0])
  await mine[1].cancel()
  await all(mine[2]).catch(() => undefined)
  await eventually('no handles', async () => (await handles()) === '0 0 0')
})

test('10,000 chunks each way, and streams that are dropped unread', { timeout: 120_000 }, async () => {
  await ctx.set('s', streamOf(...Array.from({ length: 10_000 }, (_, n) => n)))
  expect(await ctx.run('(async () => { let sum = 0; for await (const n of s) sum += n; return sum })()', { timeout: 60_000 })).toBe(
    49_995_000,
  )
  for (let i = 0; i < 200; i++) await ctx.set('s', streamOf(1))
  await ctx.delete('s')
  await eventually('no handles', async () => {
    await ctx.run('{ let waste = []; for (let i = 0; i < 12; i++) waste.push(Array(1e6).fill(i)) } 0', { timeout: 20_000 })
    return (await handles()) === '0 0 0'
  })
})

describe('hostile', () => {
  test.each<[source: string, crosses: unknown]>([
    ['Object.create(ReadableStream.prototype)', 'TypeError'],
    ['({ __proto__: ReadableStream.prototype, [Symbol.asyncIterator]: undefined })', {}],
    ['Object.create(AbortSignal.prototype)', {}],
    ['new Proxy(new AbortController().signal, {})', {}],
    ['class A extends AbortSignal { constructor() { return Object.create(A.prototype) } }; new A()', {}],
  ])('an object that poses as another is data, or at most iterable: %s', async (source, crosses) => {
    const result = await ctx.run(`ReadableStream; AbortSignal; ${source}`)
    const iterable = typeof (result as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function'
    expect(iterable ? (await rejection(all(result))).name : result).toEqual(crosses)
    expect(await ctx.run('1')).toBe(1)
  })

  test.each<[source: string]>([
    ['const s = new ReadableStream(); s._reader = {}; s'],
    ['const s = new ReadableStream(); s._state = "nonsense"; s._readableStreamController = {}; s'],
    ['const s = new ReadableStream(); Object.defineProperty(s, "_reader", { get() { throw 1 } }); s'],
    ['new Proxy(new ReadableStream(), {})'],
    ['ReadableStream.prototype.getReader = () => ({ read: () => 5 }); new ReadableStream({ pull(c) { c.error(1) } })'],
    ['const s = new ReadableStream({ pull(c) { c.enqueue(1) } }); s.getReader = null; Object.prototype.highWaterMark = 5; s'],
  ])('a stream that was tampered with harms nobody else: %s', async (source) => {
    await using own = await box.createContext()
    const stream = await own.run(source, { timeout: 500 }).catch(() => undefined)
    if (stream !== undefined) {
      const reader = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      await Promise.race([reader.next(), own.run('0')]).catch(() => undefined)
    }
    expect(await ctx.run('all(streamOf(1, 2))')).toEqual([1, 2])
    expect(await all(await ctx.run('streamOf(1, 2)'))).toEqual([1, 2])
  })

  test('a guest that never answers, or computes for ever, while its stream is read or cancelled', async () => {
    await using impatient = await daemon.connect({ limits: { timeout: 100 } })
    await using own = await impatient.createContext()
    for (const pull of ['new Promise(() => {})', '{ for (;;); }']) {
      const stream = (await own.run(
        `new ReadableStream({ pull() { return ${pull.startsWith('{') ? `(() => ${pull})()` : pull} } }, { highWaterMark: 0 })`,
      )) as ReadableStream
      expect(await rejection(stream.getReader().read())).toMatchObject({ code: 'ERR_TIMEOUT' })
    }
    const stream = (await own.run('new ReadableStream({ cancel() { for (;;); } })')) as ReadableStream
    expect(await rejection(stream.cancel())).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await own.run('1')).toBe(1)
  })

  test('a guest that aborts again and again, and with getters', async () => {
    const reasons: unknown[] = []
    await ctx.set('watch', (signal: AbortSignal) => signal.addEventListener('abort', () => reasons.push(signal.reason)))
    await ctx.run(`const controller = new AbortController(); watch(controller.signal); 0`)
    await ctx.run('for (let i = 0; i < 5; i++) controller.abort({ get n() { return i } }); 0')
    await eventually('aborted', () => reasons.length > 0)
    expect(reasons).toEqual([{ n: 0 }])
  })
})
