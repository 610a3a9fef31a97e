import { type Box, GuestError, type Preset, PresetError } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { WEB_NAMES } from '../support/web-names.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  // One worker, so that it is the same each time.
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']

describe("'ecmascript'", () => {
  test('is the bare language and the console', async () => {
    const names = [...WEB_NAMES, ...TIMERS]
    const present = `${JSON.stringify(names)}.filter((name) => name in globalThis)`
    expect(await box.run(present, { globals: 'ecmascript' })).toEqual([])
    expect(await box.run(present)).toEqual(names)
    expect(await box.run('typeof console.log + typeof Promise + typeof Intl', { globals: 'ecmascript' })).toBe('functionfunctionobject')
    await using ctx = await box.createContext({ x: 1 }, { globals: 'ecmascript' })
    expect(await ctx.run(present)).toEqual([])
    expect(await ctx.globals()).toEqual({ x: 1 })
  })

  test('has the values of the client, and its own', async () => {
    expect(await box.run('x + 1', { globals: { x: 2 }, preset: 'ecmascript' })).toBe(3)
    await using ctx = await box.createContext({ log: (text: string) => text.length }, { preset: 'ecmascript' })
    expect(await ctx.run('log("four")')).toBe(4)
    expect(await ctx.run('Promise.resolve().then(() => 5)')).toBe(5)
    // Objects whose classes it has no name for still cross.
    expect(await ctx.call('Object.is', new URL('http://a/'), 1).catch((error: unknown) => error)).toBeDefined()
  })

  test('has no name that the web globals or their libraries left', async () => {
    const own = (await box.run('Object.getOwnPropertyNames(globalThis).sort()', { preset: 'ecmascript' })) as string[]
    expect(own.filter((name) => [...WEB_NAMES, ...TIMERS].includes(name))).toEqual([])
    expect(own).toContain('console')
  })
})

describe('a preset', () => {
  let counter: Preset
  beforeAll(async () => {
    counter = await box.definePreset({ source: 'let made = 1; globalThis.add = (a, b) => a + b', name: 'counter' })
  })

  test('runs its script once in each context', async () => {
    await using ctx = await box.createContext({ x: 40 }, { globals: counter })
    expect(await ctx.run('made++; add(x, made)')).toBe(42)
    expect(await box.run('add(made, 10)', { preset: counter })).toBe(11)
    expect(await box.run('add(made, x)', { preset: counter, globals: { x: 3 } })).toBe(4)
    expect(await box.run('typeof URL', { globals: counter })).toBe('function')
    expect(await box.run(await box.compile('add(made, 1)'), { preset: counter })).toBe(2)
    expect(await box.run('add(made, 1)', { preset: counter, fresh: 'process' })).toBe(2)
  })

  test('shows what it is', () => {
    expect([counter.name, counter.globals, counter.scripts.length, counter.timeout]).toEqual(['counter', 'web', 1, 5_000])
    expect(Object.isFrozen(counter)).toBe(true)
  })

  test('is fresh each time, whether made ahead or not', async () => {
    const contexts = await Promise.all(Array.from({ length: 12 }, async () => box.createContext({}, { globals: counter })))
    expect(await Promise.all(contexts.map(async (ctx) => ctx.run('made += 1')))).toEqual(Array(12).fill(2))
    await Promise.all(contexts.map(async (ctx) => ctx.dispose()))
  })

  test('is made ahead', async () => {
    const slow = await box.definePreset({ source: 'const end = Date.now() + 60; while (Date.now() < end); var ready = true' })
    expect(await box.run('ready', { preset: slow })).toBe(true)
    // Two are made while nothing else is to do.
    const quick = async (): Promise<boolean> => {
      // Only while the worker has nothing to do.
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      const start = performance.now()
      await box.run('ready', { preset: slow })
      return performance.now() - start < 50
    }
    await eventually('a context that is ready', quick)
  })

  test('is based on another, and on the bare language', async () => {
    const bare = await box.definePreset({ source: 'var a = typeof URL', globals: 'ecmascript' })
    const more = await box.definePreset({ source: 'var b = a + 1', globals: bare })
    const most = await box.definePreset({ script: await box.compile('var c = b + 2'), globals: more })
    expect(await box.run('[a, b, c]', { preset: most })).toEqual(['undefined', 'undefined1', 'undefined12'])
    expect(await box.run('[a, b, typeof c]', { preset: more })).toEqual(['undefined', 'undefined1', 'undefined'])
  })

  test('in TypeScript', async () => {
    const typed = await box.definePreset({ source: 'enum Mode { on = 7 }; const twice = (n: number): number => 2 * n', language: 'ts' })
    expect(await box.run('twice(Mode.on)', { preset: typed })).toBe(14)
  })

  test('of another box', async () => {
    await using other = await daemon.connect()
    expect(await other.run('add(1, 2)', { preset: counter })).toBe(3)
  })

  test('may leave timers and promises behind', async () => {
    const preset = await box.definePreset({
      source:
        'var ticks = 0; var later = new Promise((done) => setTimeout(() => done(++ticks), 1)); Promise.resolve().then(() => { ticks += 10 })',
    })
    for (let i = 0; i < 3; i++) expect(await box.run('later', { preset })).toBe(11)
  })

  test('is not heard while its scripts run', async () => {
    const preset = await box.definePreset({ source: 'console.log("made"); for (let i = 0; i < 900; i++) console.log("x".repeat(200))' })
    await using ctx = await box.createContext({}, { globals: preset })
    const said: string[] = []
    ctx.on('console', ({ text }) => said.push(text))
    await ctx.run('console.log("run")')
    await eventually('what the run says', () => said.length > 0)
    expect(said.filter((text) => !text.startsWith('console: too much'))).toEqual(['run'])
  })

  test('whose script throws says so, and nothing else is affected', async () => {
    await using ctx = await box.createContext({ kept: 1 })
    const preset = await box.definePreset({ source: '\nnull.x', name: 'broken' })
    for (const attempt of [async () => box.createContext({}, { globals: preset }), async () => box.run('1', { preset })]) {
      const error = await rejection(attempt())
      expect(error).toBeInstanceOf(PresetError)
      expect(error).toMatchObject({
        code: 'ERR_PRESET_FAILED',
        message: "the preset's script threw TypeError: Cannot read properties of null (reading 'x')",
      })
      expect(error.cause).toBeInstanceOf(GuestError)
      expect((error.cause as Error).stack).toContain('at broken:2:6')
    }
    expect(await ctx.get('kept')).toBe(1)
  })

  test.each([
    ['{}', 'throw {}', "the preset's script threw"],
    ['what never ends to be read', 'throw { get name() { for (;;); } }', 'computed until its deadline of 100 ms passed'],
    ['undefined', 'throw undefined', "the preset's script threw"],
  ])('that throws %s says so', async (_title, source, message) => {
    const preset = await box.definePreset({ source, timeout: 100 })
    expect((await rejection(box.run('1', { preset }))).message).toContain(message)
  })

  test('that never ends is ended, as is one whose jobs do not', async () => {
    for (const source of ['for (;;);', 'const again = () => Promise.resolve().then(again); again()']) {
      const preset = await box.definePreset({ source, timeout: 60, name: 'endless' })
      const error = await rejection(box.run('1', { preset }))
      expect(error).toMatchObject({ code: 'ERR_TIMEOUT' })
      expect(error.message).toContain("('endless') computed until its deadline of 60 ms passed")
    }
    expect(await box.run('1 + 1')).toBe(2)
  })

  test('that is slow does not take the time of a run', async () => {
    const preset = await box.definePreset({ source: 'const end = Date.now() + 400; while (Date.now() < end);' })
    expect(await box.run('1 + 1', { preset, timeout: 200 })).toBe(2)
  })

  test('that exhausts memory costs a worker, as a run does', async () => {
    await using alone = await testDaemon({ maxPerTenant: 1 })
    await using other = await alone.connect()
    const preset = await other.definePreset({ source: 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length))' })
    expect((await rejection(other.run('1', { preset }))).code).toBe('ERR_MEMORY_LIMIT')
    expect(await other.run('1 + 1')).toBe(2)
    expect(await box.run('1 + 1')).toBe(2)
  })

  test('is ended with the run that wanted it', async () => {
    const preset = await box.definePreset({ source: 'for (;;);', timeout: 30_000 })
    const reason = new Error('enough')
    const gone = new AbortController()
    const run = rejection(box.run('1', { preset, signal: gone.signal }))
    setTimeout(() => gone.abort(reason), 100)
    expect(await run).toBe(reason)
    expect(await box.run('1 + 1')).toBe(2)
  })

  test('of which a worker was told more than it keeps is made anew', async () => {
    const presets = await Promise.all(Array.from({ length: 20 }, async (_, n) => box.definePreset({ source: `var n = ${n}` })))
    for (let round = 0; round < 2; round++)
      expect(await Promise.all(presets.map(async (preset) => box.run('n', { preset })))).toEqual(presets.map((_, n) => n))
  })
})

test.each<[title: string, make: () => Promise<unknown>, message: string]>([
  [
    'an unknown name',
    async () => box.run('1', { preset: 'dom' as 'web' }),
    `option 'preset' must be one of 'ecmascript', 'web', 'browser', or a preset of box.definePreset(), got "dom"`,
  ],
  ['an unknown name as globals', async () => box.run('1', { globals: 'dom' as 'web' }), `option 'globals' must be one of`],
  ['an object that is none', async () => box.createContext({}, { globals: {} as 'web' }), `option 'globals' must be one of`],
  ['two', async () => box.run('1', { globals: 'web', preset: 'web' }), `option 'preset' is given already, as 'globals', got "web"`],
  ['none of script and source', async () => box.definePreset({}), `option 'source' must be given, or 'script', got undefined`],
  [
    'both',
    async () => box.definePreset({ source: '1', script: await box.compile('1') }),
    `option 'source' is not for a preset with a 'script', got "1"`,
  ],
  [
    'a module',
    async () => box.definePreset({ script: await box.compile('export {}', { format: 'module' }) }),
    `option 'script' must be a script`,
  ],
  ['no script', async () => box.definePreset({ script: 'x' as never }), `option 'script' must be a Script of box.compile(), got "x"`],
  ['a deadline of nothing', async () => box.definePreset({ source: '1', timeout: 0 }), `option 'timeout' must be a whole number from 1 to`],
  ['a name of ours', async () => box.definePreset({ source: '1', filename: 'glovebox:x' }), `option 'filename' must not begin`],
  [
    'what it does not take',
    async () => box.definePreset({ source: '1', files: 1 } as never),
    `option 'files' is not an option of definePreset()`,
  ],
])('%s is refused', async (_title, make, message) => {
  const error = await rejection(make())
  expect(error.code).toBe('ERR_INVALID_OPTION')
  expect(error.message).toContain(message)
})

test('a preset of too many scripts is refused', async () => {
  let preset = await box.definePreset({ source: 'var n = 1' })
  for (let i = 1; i < 8; i++) preset = await box.definePreset({ source: 'n++', globals: preset })
  expect(await box.run('n', { preset })).toBe(8)
  expect((await rejection(box.definePreset({ source: 'n++', globals: preset }))).message).toContain(
    'must be a preset of less than 8 scripts',
  )
})

test('a preset that does not parse is refused', async () => {
  const error = await rejection(box.definePreset({ source: 'let let', name: 'odd' }))
  expect([error.name, (error.stack ?? '').split('\n')[0]]).toEqual(['SyntaxError', 'odd:1'])
})
