import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box, Context, Script } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientToWorker, clientToWorker, type WorkerToClient, workerToClient } from '../../src/protocol/channel-link.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { ValueDecoder } from '../../src/protocol/values/value-decoder.ts'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient, RawPeer } from '../support/raw-peer.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  // One worker, so that raw channels meet the same.
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
  ctx = await box.createContext({ kept: 1 })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

describe('a compiled script', () => {
  test('runs in any context, any number of times, as its source does', async () => {
    const script = await box.compile('globalThis.count = (globalThis.count ?? 0) + 1', { filename: 'count.js' })
    await using other = await box.createContext({ count: 40 })
    expect([await ctx.run(script), await ctx.run(script), await other.run(script), await box.run(script)]).toEqual([1, 2, 41, 1])
    expect(await box.run(script, { globals: { count: 10 } })).toBe(11)
    expect(await box.run(script, { fresh: 'process', globals: { count: 20 } })).toBe(21)
    expect(script.cachedDataRejected).toBe(false)
  })

  test.each<[title: string, source: string, result: unknown]>([
    ['a promise', 'Promise.resolve(new Map([[1, 2]]))', new Map([[1, 2]])],
    ['an object', '({ a: [1n, -0] })', { a: [1n, -0] }],
    ['nothing', '', undefined],
    ['a declaration that stays', 'let scriptDeclares = 5', undefined],
    ['a lone surrogate', '"\ud800"', '\ud800'],
  ])('gives %s', async (_title, source, result) => {
    expect(await ctx.run(await box.compile(source))).toEqual(result)
  })

  test('leaves what it declares', async () => {
    await ctx.run(await box.compile('var declared = 7; let lexical = 8'))
    expect([await ctx.get('declared'), await ctx.run('lexical')]).toEqual([7, 8])
  })

  test('is called with host functions, and calls them', async () => {
    const heard: unknown[] = []
    const script = await box.compile('tell(21) + 1')
    expect(await box.run(script, { globals: { tell: (value: number) => heard.push(value) + value * 2 } })).toBe(44)
    expect(heard).toEqual([21])
  })

  test('has a deadline, a signal, and a stack with its name', async () => {
    const script = await box.compile('\nfor (;;);', { filename: 'loop.js' })
    expect(await rejection(ctx.run(script, { timeout: 50 }))).toMatchObject({
      code: 'ERR_TIMEOUT',
      message: expect.stringContaining("('loop.js')") as string,
    })
    const reason = new Error('enough')
    expect(await rejection(ctx.run(script, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const failing = await box.compile('\n\n  null.x', { filename: 'failing.js' })
    expect((await rejection(ctx.run(failing))).stack).toMatch(/^TypeError: .*\n {4}at failing\.js:3:8$/)
    expect(await ctx.get('kept')).toBe(1)
  })

  test.each([1, 2, 3, 5, 8])('keeps %d runs at once apart', async (n) => {
    const script = await box.compile(`Promise.resolve(${n}).then((each) => each * 2)`)
    expect(await Promise.all(Array.from({ length: n }, async () => ctx.run(script)))).toEqual(Array<number>(n).fill(2 * n))
  })

  test('of another box runs, too', async () => {
    await using other = await daemon.connect()
    expect(await ctx.run(await other.compile('"from another box"'))).toBe('from another box')
  })

  test('that is a module is not run', async () => {
    const module = await box.compile('export let a = 1', { format: 'module' })
    for (const run of [ctx.run(module), box.run(module)]) {
      const error = await rejection(run)
      expect([error.code, error.message]).toEqual([
        'ERR_INVALID_OPTION',
        "option 'source' must be a script: a module is imported, not run, got an object",
      ])
    }
  })

  test.each([
    [{ filename: 'x.js' }, 'option \'filename\' is settled when a script is compiled, got "x.js"'],
    [{ language: 'ts' }, 'option \'language\' is settled when a script is compiled, got "ts"'],
  ] as const)('takes no %o', async (options, message) => {
    const script = await box.compile('1')
    expect((await rejection(ctx.run(script, options))).message).toBe(message)
    expect((await rejection(box.run(script, options))).message).toBe(message)
  })

  test('in a context that was disposed fails', async () => {
    const script = await box.compile('1')
    const gone = await box.createContext()
    await gone.dispose()
    expect((await rejection(gone.run(script))).code).toBe('ERR_CONTEXT_LOST')
  })
})

/** A client that speaks to the worker by hand. */
class RawChannel extends RawPeer {
  tell(...messages: readonly ClientToWorker[]): void {
    this.write(...messages.map((message) => clientToWorker.encode(message)))
  }

  /** Messages so far, each with the value that belongs to it. */
  get said(): (WorkerToClient & { readonly value?: unknown })[] {
    return this.frames.map((bytes) => {
      const reader = new MsgpackReader(bytes, 0, bytes.length)
      const message = workerToClient.read(reader)
      return message.type === 'done' || message.type === 'threw' ? { ...message, value: new ValueDecoder().read(reader) } : message
    })
  }

  async answerTo(run: number): Promise<WorkerToClient & { readonly value?: unknown }> {
    // What is known of a failure comes in a message of its own, before it.
    return eventually(`an answer to ${run}`, () =>
      this.said.find((message) => 'run' in message && message.run === run && message.type !== 'evidence'),
    )
  }
}

async function rawChannel(): Promise<{ readonly control: RawClient; readonly channel: RawChannel }> {
  const control = new RawClient(daemon.socket)
  await control.answerTo(CONTROL_HELLO, 'welcome')
  const { path, ticket } = await control.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 }, 'leased')
  const channel = new RawChannel(path as string)
  channel.tell({ type: 'hello', minVersion: 1, maxVersion: 1, ticket })
  return { control, channel }
}

const hashOf = (n: number): Uint8Array => createHash('sha256').update(`${n}`).digest()
const once = (run: number, n: number): ClientToWorker => ({ type: 'onceScript', run, context: run, timeoutMs: 1_000, hash: hashOf(n) })
const upload = (n: number, code: string, more: { readonly cachedData?: Uint8Array; readonly filename?: string } = {}): ClientToWorker => ({
  type: 'script',
  hash: hashOf(n),
  filename: undefined,
  code,
  cachedData: undefined,
  ...more,
})

describe('on a channel by hand', () => {
  test('a script is unknown until it is sent, and to every other channel', async () => {
    const { control, channel } = await rawChannel()
    await using _control = control
    await using first = channel
    const { control: otherControl, channel: otherChannel } = await rawChannel()
    await using _otherControl = otherControl
    await using second = otherChannel
    first.tell(once(1, 7), upload(7, '6 * 7'), once(2, 7))
    expect(await first.answerTo(1)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_SCRIPT_UNKNOWN, phase: 'compile' })
    expect(await first.answerTo(2)).toMatchObject({ type: 'done', value: 42 })
    second.tell(once(1, 7), upload(7, '"mine"'), once(2, 7))
    expect(await second.answerTo(1)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_SCRIPT_UNKNOWN })
    expect(await second.answerTo(2)).toMatchObject({ value: 'mine' })
    first.tell(once(3, 7))
    expect(await first.answerTo(3)).toMatchObject({ value: 42 })
  })

  test('an unknown script has no effect: its context and its globals are not made', async () => {
    const { control, channel } = await rawChannel()
    await using _control = control
    await using peer = channel
    const withGlobals = Buffer.concat([
      clientToWorker.encode({ type: 'onceScriptWith', run: 1, context: 5, timeoutMs: 1_000, hash: hashOf(8) }),
      Buffer.of(0x80),
    ])
    withGlobals.writeUInt32BE(withGlobals.length - 4)
    peer.write(withGlobals)
    expect(await peer.answerTo(1)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_SCRIPT_UNKNOWN })
    peer.tell(upload(8, 'typeof a'), { ...once(2, 8), context: 5 } as ClientToWorker)
    expect(await peer.answerTo(2)).toMatchObject({ value: 'undefined' })
  })

  test('code that does not parse is the answer of each run', async () => {
    const { control, channel } = await rawChannel()
    await using _control = control
    await using peer = channel
    peer.tell(upload(9, 'let x = ;', { filename: 'bad.js' }), once(1, 9), once(2, 9))
    for (const run of [1, 2]) {
      const { value } = await peer.answerTo(run)
      expect((value as Error).stack).toBe("bad.js:1\nlet x = ;\n        ^\n\nSyntaxError: Unexpected token ';'")
    }
  })

  test.each<[title: string, cachedData: Uint8Array]>([
    ['empty', new Uint8Array(0)],
    ['zeros', new Uint8Array(1_000)],
    ['noise', Uint8Array.from({ length: 1_000 }, (_, n) => (n * 7_919) & 255)],
  ])('a code cache of %s is refused, once, and the script runs', async (_title, cachedData) => {
    const { control, channel } = await rawChannel()
    await using _control = control
    await using peer = channel
    // Code that V8 has not seen: it knows what it compiled lately by itself.
    peer.tell(upload(10, `${cachedData.length}; ${cachedData[2] ?? 0}; 6 * 7`, { cachedData }), once(1, 10), once(2, 10))
    expect([await peer.answerTo(1), await peer.answerTo(2)]).toMatchObject([{ value: 42 }, { value: 42 }])
    expect(peer.said.filter(({ type }) => type === 'cacheRefused')).toEqual([{ type: 'cacheRefused', hash: Uint8Array.from(hashOf(10)) }])
  })

  // V8 looks at the head and the length of a cache. What follows it believes, so what comes from a disk has a digest of ours.
  test('a code cache of another source is refused, as is one that is cut off or has a damaged head', async () => {
    const { control, channel } = await rawChannel()
    await using _control = control
    await using peer = channel
    const own = 'globalThis.damaged = [1, 2, 3].map((n) => n * 14)[2]'
    const cachedData = (await box.compile(own)).cachedData as Uint8Array
    const other = (await box.compile(`${own}; "longer"`)).cachedData as Uint8Array
    const damaged = [0, 4, 8, 12, 16].map((at) => cachedData.map((byte, index) => (index === at ? byte ^ 0xff : byte)))
    for (const [n, each] of [other, cachedData.subarray(0, -1), ...damaged].entries()) {
      // Ends in a way of its own: V8 knows what it compiled lately by itself.
      peer.tell(upload(100 + n, own.replace('damaged', `damage${(n + 10).toString(36)}`), { cachedData: each }), once(1 + n, 100 + n))
      expect(await peer.answerTo(1 + n)).toMatchObject({ type: 'done', value: 42 })
      expect(peer.said.filter(({ type }) => type === 'cacheRefused')).toHaveLength(n + 1)
    }
  })

  test('a worker that has no room for a script any more is sent it again', async () => {
    const script = await box.compile('"not forgotten"')
    expect(await ctx.run(script)).toBe('not forgotten')
    const { control, channel } = await rawChannel()
    await using _control = control
    await using peer = channel
    for (let n = 0; n < 2_000; n++) peer.tell(upload(n, `${n}`))
    peer.tell(once(1, 1_999))
    expect(await peer.answerTo(1)).toMatchObject({ value: 1_999 })
    expect(await ctx.run(script)).toBe('not forgotten')
    expect(await box.run(script, { globals: { f: () => 1 } })).toBe('not forgotten')
  })
})

test('a code cache on disk that V8 does not take any more: the script says so, runs, and is compiled anew', async () => {
  using directory = temporaryDirectory()
  const source = 'globalThis.stale = 6 * 7'
  const make = async (): Promise<Script> => {
    await using first = await daemon.connect({ cacheDir: directory.path })
    return await first.compile(source)
  }
  const { hash, cachedData } = await make()
  const path = join(directory.path, `${hash}.gbx`)
  const bytes = readFileSync(path)
  // V8's version stands in the cache's first bytes; the file is whole otherwise.
  const at = bytes.indexOf(Buffer.from(cachedData as Uint8Array))
  bytes.fill(0xee, at, at + 16)
  createHash('sha256').update(bytes.subarray(52)).digest().copy(bytes, 20)
  writeFileSync(path, bytes)

  await using second = await daemon.connect({ cacheDir: directory.path })
  const stale = await second.compile(source)
  expect([stale.cachedDataRejected, await second.run(stale)]).toEqual([false, 42])
  await eventually('the refusal', () => stale.cachedDataRejected)
  await eventually('the end of the file', () => !existsSync(path))
  const fresh = await second.compile(source)
  expect(fresh).not.toBe(stale)
  expect([await second.run(fresh), fresh.cachedDataRejected, existsSync(path)]).toEqual([42, false, true])
})

describe('TypeScript', () => {
  test.each<[title: string, source: string, result: unknown]>([
    ['with types', 'interface A { b: number }\nconst a: A = { b: 41 }; a.b + 1', 42],
    ['with enums', 'enum E { A = 41 }; (E.A as number) + 1', 42],
    ['with namespaces', 'namespace N { export const x: number = 41 }; N.x + 1', 42],
    ['with parameter properties', 'class P { constructor(readonly x: number) {} }; new P(42).x', 42],
    ['with imports of types', 'import type { T } from "t"; export type U = T; const a: U = 42; a', 42],
    ['with imports of types and an enum', 'import type { T } from "t"; enum E { A = 41 }; (E.A as T) + 1', 42],
    ['that is JavaScript', '[41].map((x) => x + 1)[0]', 42],
  ])('%s runs at once', async (_title, source, result) => {
    await using context = await box.createContext()
    expect(await context.run(source, { language: 'ts' })).toBe(result)
    expect(await box.run(source, { language: 'ts' })).toBe(result)
    expect(await box.run(source, { language: 'ts', globals: { extra: 1 } })).toBe(result)
    expect(await box.run(await box.compile(source, { language: 'ts' }))).toBe(result)
  })

  test('that does not parse says where, and nothing ran', async () => {
    const error = await rejection(ctx.run('kept = 2\nlet x: = 1', { language: 'ts', filename: 'a.ts' }))
    expect([error.name, error.stack?.split('\n').slice(0, 3)]).toEqual(['SyntaxError', ['a.ts:2', 'let x: = 1', '       ^']])
    expect(await ctx.get('kept')).toBe(1)
  })

  test.each<[title: string, head: string, line: number]>([
    ['blanked', 'type T = string\n\n', 4],
    ['moved', 'enum E {\n  A,\n  B\n}\n', 6],
  ])('whose code is %s throws with the lines of its source', async (_title, head, line) => {
    const source = `${head}function fail(why: string): never {\n  throw new Error(why)\n}\nfail('x' as string)`
    const where = [`    at fail (b.ts:${line}:9)`, `    at b.ts:${line + 2}:1`]
    for (const run of [
      box.run(source, { language: 'ts', filename: 'b.ts' }),
      box.run(await box.compile(source, { language: 'ts', filename: 'b.ts' })),
    ]) {
      expect((await rejection(run)).stack?.split('\n')).toEqual(['Error: x', ...where])
    }
  })

  test('throws with the lines of its source when it is called later, too', async () => {
    const source = 'enum E {\n  A\n}\n\nfunction later(why: string): never { throw new Error(why) }'
    for (const what of [source, await box.compile(source, { language: 'ts', filename: 'b.ts' })]) {
      await using context = await box.createContext()
      await context.run(what, typeof what === 'string' ? { language: 'ts', filename: 'b.ts' } : {})
      expect((await rejection(context.call('later', 'x'))).stack).toBe('Error: x\n    at later (b.ts:5:44)')
    }
  })

  test('makes its own source map, and takes none', async () => {
    const sourceMap = { version: 3, sources: [], names: [], mappings: '' }
    const error = await rejection(box.run('1', { language: 'ts', sourceMap }))
    expect([error.code, error.message]).toEqual([
      'ERR_INVALID_OPTION',
      "option 'sourceMap' is made when TypeScript is compiled, got an object",
    ])
    expect((await rejection(box.run(await box.compile('1'), { sourceMap }))).message).toBe(
      "option 'sourceMap' is settled when a script is compiled, got an object",
    )
  })

  test.each(['5', 'null', '" b.ts:x b.ts: b.ts"', '"b.ts:1:1"', '{}'])('a guest’s error may have %s as its stack', async (stack) => {
    const source = `throw Object.assign(new Error("x"), { stack: ${stack} })`
    const plain = (await rejection(box.run(source, { filename: 'b.ts' }))) as { readonly stack: unknown }
    const mapped = (await rejection(box.run(`enum E { A };${source}`, { language: 'ts', filename: 'b.ts' }))) as {
      readonly stack: unknown
    }
    expect(mapped.stack).toEqual(plain.stack)
  })

  test('a signal gives up while it compiles', async () => {
    const controller = new AbortController()
    const run = ctx.run(`kept = 3;${'let x: number;'.repeat(1)}${'f(1);'.repeat(50_000)}`, { language: 'ts', signal: controller.signal })
    controller.abort(new Error('enough'))
    expect((await rejection(run)).message).toBe('enough')
    expect(await ctx.get('kept')).toBe(1)
  })

  test('is not for runMany, which takes what was compiled as text', () => {
    expect(() => ctx.runMany('1', [1], { language: 'ts' } as never)).toThrow(
      "option 'language' is not an option of runMany(); it takes 'filename', 'sourceMap', 'timeout', 'signal', got \"ts\"",
    )
  })
})
