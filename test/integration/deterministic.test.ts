import { execFileSync } from 'node:child_process'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  // One worker, so that contexts of several zones share it.
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const TIME = '2024-03-31T00:30:00Z'
const MS = Date.parse(TIME)

describe('chance', () => {
  const code = `[Math.random(), Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint32Array(4))], crypto.randomUUID()]`

  test.each([0, 1, 'a seed', '', -1.5, 'ü'.repeat(256)])('with the seed %j gives the same each time', async (seed) => {
    const [one, two] = await Promise.all([box.run(code, { deterministic: { seed } }), box.run(code, { deterministic: { seed } })])
    expect(one).toEqual(two)
  })

  test('differs from seed to seed, and is what it ever was', async () => {
    expect(await box.run(code, { deterministic: { seed: 1 } })).not.toEqual(await box.run(code, { deterministic: { seed: 2 } }))
    expect(await box.run(code, { deterministic: { seed: 7 } })).toEqual([
      0.6317421739728034,
      0.9676180118936542,
      '5b544014-e4a7-4563-ad03-cc716b9777e5',
      expect.any(Array),
      expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
    ])
  })

  test('of numbers and of bytes do not disturb each other', async () => {
    const alone = await box.run('[Math.random(), Math.random()]', { deterministic: { seed: 3 } })
    expect(await box.run('const a = Math.random(); crypto.randomUUID(); [a, Math.random()]', { deterministic: { seed: 3 } })).toEqual(alone)
  })

  test('is spread evenly', async () => {
    const counts = (await box.run('const n = Array(10).fill(0); for (let i = 0; i < 1e5; i++) n[Math.floor(Math.random() * 10)]++; n', {
      deterministic: { seed: 5 },
    })) as number[]
    for (const count of counts) expect(Math.abs(count - 1e4)).toBeLessThan(500)
  })
})

test('two runs give the same bytes', async () => {
  const code = `
    const said = []
    const note = (...args) => said.push([Date.now(), performance.now(), Math.random(), ...args])
    const wait = (ms) => new Promise((done) => setTimeout(done, ms))
    const work = async (name) => { for (let i = 0; i < 5; i++) { await wait(Math.random() * 1000); note(name, i, String(new Date()), crypto.randomUUID()) } }
    Promise.all([work('a'), work('b'), work('c')]).then(() => JSON.stringify([said, new Intl.DateTimeFormat().format(), (0.5).toLocaleString(), new Event('x').timeStamp]))`
  const deterministic = { seed: 'x', time: TIME, timeZone: 'Asia/Tokyo', locale: 'ja-JP' }
  const [one, two, three] = await Promise.all([1, 2, 3].map(async () => box.run(code, { deterministic })))
  expect(one).toBe(two)
  expect(one).toBe(three)
  expect((JSON.parse(one as string) as [unknown[]])[0]).toHaveLength(15)
})

describe('Date', () => {
  test.each<[code: string, expected: unknown]>([
    ['[Date.now(), new Date().getTime(), +new Date(), Date.parse(Date())]', [MS, MS, MS, MS]],
    [
      'class D extends Date { constructor(...given) { super(...given); this.mine = 1 } }; const d = new D(); [d instanceof D, d instanceof Date, d.mine, d.getTime()]',
      [true, true, 1, MS],
    ],
    [
      'class D extends Date {}; [new D(5).getTime(), new D().constructor === D, Object.getPrototypeOf(D) === Date, D.now()]',
      [5, true, true, MS],
    ],
    [
      '[Date.prototype.constructor === Date, new Date().constructor === Date, Object.getPrototypeOf(new Date()) === Date.prototype]',
      [true, true, true],
    ],
    ['[typeof Date(), typeof Date(1, 2), typeof new Date(), Date.length, Date.name]', ['string', 'string', 'object', 7, 'Date']],
    ['[Reflect.construct(Date, [], Array) instanceof Array, Reflect.construct(Date, [7], Date).getTime()]', [true, 7]],
    [
      '[new Date(undefined).getTime(), new Date(null).getTime(), new Date("x").getTime(), new Date(2020, 0).getTime(), new Date(new Date(9)).getTime()]',
      [NaN, 0, NaN, 1577836800000, 9],
    ],
    ['Object.getOwnPropertyNames(Date).sort()', ['UTC', 'length', 'name', 'now', 'parse', 'prototype']],
    ['const p = Object.getOwnPropertyDescriptor(Date, "prototype"); [p.writable, p.enumerable, p.configurable]', [false, false, false]],
    ['const g = Object.getOwnPropertyDescriptor(globalThis, "Date"); [g.writable, g.enumerable, g.configurable]', [true, false, true]],
    ['String(Date)', 'function () { [native code] }'],
    ['structuredClone(new Date()).getTime()', MS],
    ['structuredClone(new Date()) instanceof Date', true],
    ['Object.prototype.toString.call(new Date())', '[object Date]'],
    [
      '[Temporal.Now.instant().epochMilliseconds, Temporal.Now.timeZoneId(), Temporal.Now.plainDateISO().toString(), Temporal.Now.zonedDateTimeISO("Asia/Tokyo").hour]',
      [MS, 'UTC', '2024-03-31', 9],
    ],
    ['new Intl.DateTimeFormat("en", { timeStyle: "medium" }).format()', '12:30:00 AM'],
    [
      'const f = new Intl.DateTimeFormat("en"); [f.format === f.format, f.format(0), [0].map(f.format)[0], f.formatToParts().map((p) => p.value).join("")]',
      [true, '1/1/1970', '1/1/1970', '3/31/2024'],
    ],
    ['[performance.now(), performance.timeOrigin, new Event("x").timeStamp]', [0, MS, 0]],
  ])('%s', async (code, expected) => {
    // Of no type but those that the guest and this process share.
    expect(await box.run(code, { deterministic: { time: TIME } })).toEqual(expected)
  })

  test('crosses both ways', async () => {
    await using ctx = await box.createContext({ given: new Date(3) }, { deterministic: { time: new Date(MS), timeZone: 'Asia/Tokyo' } })
    expect(await ctx.run('[given instanceof Date, given.constructor === Date, given.getTime()]')).toEqual([true, true, 3])
    expect(await ctx.run('new Date()')).toEqual(new Date(MS))
    expect(await ctx.run('new Date(2020, 0, 1)')).toEqual(new Date('2019-12-31T15:00:00Z'))
  })

  test('of the engine is out of reach', async () => {
    const code = `
      const ways = [Date, new Date().constructor, Object.getPrototypeOf(new Date()).constructor, structuredClone(new Date(1)).constructor, given.constructor,
        Object.getPrototypeOf(class extends Date {}), Temporal.Now.instant().constructor === Temporal.Instant ? Date : null]
      ways.map((each) => each.now() + new each().getTime())`
    await using ctx = await box.createContext({ given: new Date(3) }, { deterministic: { time: 1000 } })
    expect(await ctx.run(code)).toEqual(Array(7).fill(2000))
  })
})

/** 3,000 times from 1950 to 2100, those around changes of daylight saving among them, in all the ways that depend on the zone. */
const ZONE_CODE = `(() => {
  let state = 12345
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32
  const out = []
  for (let i = 0; i < 3000; i++) {
    const d = new Date(Math.floor(-631152000000 + next() * 4733510400000))
    if (i % 3 === 0) { d.setUTCMonth(i % 2 === 0 ? 2 : 9, 24 + Math.floor(next() * 8)); d.setUTCHours(Math.floor(next() * 4), Math.floor(next() * 60), 0, 0) }
    const parts = [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds(), d.getDay(), d.getTimezoneOffset()]
    const back = new Date(parts[0], parts[1], parts[2], parts[3], parts[4])
    const set = new Date(d); set.setHours(2, 30); set.setMonth(2)
    out.push(parts.join(), back.getTime(), set.getTime(), String(d), d.toLocaleString(), Date.parse(d.toString()), Date.parse(\`\${d.toISOString().slice(0, 16)}\`), d.toLocaleDateString('en', { timeZoneName: 'short' }))
  }
  out.push(Intl.DateTimeFormat().resolvedOptions().timeZone)
  return JSON.stringify(out)
})()`

describe('time zones', () => {
  test.each([
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'America/St_Johns',
    'Pacific/Apia',
    'Africa/Casablanca',
    'UTC',
  ])('in %s dates are what Node has there', async (timeZone) => {
    const expected = execFileSync(process.execPath, ['-p', ZONE_CODE], {
      env: { ...process.env, TZ: timeZone, LC_ALL: 'en_US.UTF-8' },
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    const actual = JSON.parse((await box.run(ZONE_CODE, { deterministic: { timeZone } })) as string) as unknown[]
    expect(actual).toEqual(JSON.parse(expected))
  })

  test("are each context's own", async () => {
    const zones = ['Europe/Berlin', 'Asia/Tokyo', 'America/New_York', undefined]
    const contexts = await Promise.all(
      zones.map(async (timeZone) =>
        timeZone === undefined ? box.createContext() : box.createContext({}, { deterministic: { timeZone } }),
      ),
    )
    const code = '[new Date(2024, 6, 1).toISOString(), Intl.DateTimeFormat().resolvedOptions().timeZone]'
    for (let round = 0; round < 3; round++)
      expect(await Promise.all(contexts.map(async (ctx) => ctx.run(code)))).toEqual([
        ['2024-06-30T22:00:00.000Z', 'Europe/Berlin'],
        ['2024-06-30T15:00:00.000Z', 'Asia/Tokyo'],
        ['2024-07-01T04:00:00.000Z', 'America/New_York'],
        ['2024-07-01T00:00:00.000Z', 'UTC'],
      ])
    await Promise.all(contexts.map(async (ctx) => ctx.dispose()))
  })

  test('hold for what goes on by itself, too, and a date keeps its time', async () => {
    await using tokyo = await box.createContext({}, { deterministic: { timeZone: 'Asia/Tokyo', time: TIME, autoAdvance: true } })
    await using usual = await box.createContext()
    const code = `const d = new Date(${MS}); d.getHours(); new Promise((done) => setTimeout(() => done([d.getHours(), d.getTime()]), 20))`
    expect(await Promise.all([tokyo.run(code), usual.run(code)])).toEqual([
      [9, MS],
      [0, MS],
    ])
  })
})

describe('locales', () => {
  const code = `[(1234.5).toLocaleString(), 1234567n.toLocaleString(), new Date(0).toLocaleDateString(), new Intl.NumberFormat().resolvedOptions().locale, Intl.NumberFormat([]).format(0.5),
    ['z', 'ä', 'a'].sort(new Intl.Collator().compare).join(''), ['z', 'ö', 'o'].sort((a, b) => a.localeCompare(b)).join(''), 'I'.toLocaleLowerCase(), [1.5, new Date(0)].toLocaleString(),
    new Intl.PluralRules().resolvedOptions().locale, new Intl.ListFormat().format(['a', 'b']), new Temporal.PlainDate(2024, 3, 1).toLocaleString()]`

  test.each(['de-DE', 'sv', 'tr', 'ar-EG', 'en-GB'])('%s is what is given by name', async (locale) => {
    const named = code
      .replaceAll('toLocaleString()', 'toLocaleString(L)')
      .replaceAll('toLocaleDateString()', 'toLocaleDateString(L)')
      .replaceAll('toLocaleLowerCase()', 'toLocaleLowerCase(L)')
      .replaceAll('localeCompare(b)', 'localeCompare(b, L)')
      .replaceAll(/new Intl\.(\w+)\(\)/g, 'new Intl.$1(L)')
      .replace('Intl.NumberFormat([])', 'Intl.NumberFormat(L)')
    expect(await box.run(code, { deterministic: { locale } })).toEqual(await box.run(named, { globals: { L: locale } }))
  })

  test('a locale that is given is used, and constructors are as they were', async () => {
    const shape = `[(1.5).toLocaleString('en'), Intl.NumberFormat.supportedLocalesOf(['en', 'de']), Intl.NumberFormat.length, Intl.NumberFormat.name, new Intl.Collator() instanceof Intl.Collator,
      Intl.Collator() instanceof Intl.Collator, Intl.Collator.prototype.constructor === Intl.Collator, Number.prototype.toLocaleString.length, new (class extends Intl.ListFormat {})().format(['a', 'b']),
      (() => { try { Intl.ListFormat() } catch (e) { return e.name } })(), (() => { try { new Intl.NumberFormat(null) } catch (e) { return e.name } })()]`
    expect(await box.run(shape, { deterministic: { locale: 'de-DE' } })).toEqual([
      '1.5',
      ['en', 'de'],
      0,
      'NumberFormat',
      true,
      true,
      true,
      0,
      'a und b',
      'TypeError',
      'TypeError',
    ])
  })
})

describe('the clock', () => {
  let ctx: Context
  const fresh = async (): Promise<Context> => box.createContext({}, { deterministic: { time: TIME } })

  test('stands still until it is told to go on, and timers come in order, each at its time, with its jobs', async () => {
    ctx = await fresh()
    const late = ctx.run(`
      const log = []
      const note = (name) => log.push([name, Date.now() - ${MS}, performance.now()])
      setTimeout(() => { note('a'); Promise.resolve().then(() => note('job of a')) }, 100)
      setTimeout(() => note('b'), 100)
      const every = setInterval(() => note('every'), 40)
      setTimeout(() => setTimeout(() => note('inner'), 10), 50)
      setTimeout(() => clearInterval(every), 130)
      new Promise((done) => setTimeout(() => done('late'), 150))`)
    expect(await ctx.advance(99)).toBe(MS + 99)
    expect(await ctx.run('log')).toEqual([
      ['every', 40, 40],
      ['inner', 60, 60],
      ['every', 80, 80],
    ])
    expect(await ctx.advance(1)).toBe(MS + 100)
    expect(await ctx.run('log.splice(3)')).toEqual([
      ['a', 100, 100],
      ['job of a', 100, 100],
      ['b', 100, 100],
    ])
    expect(await ctx.advance(1000)).toBe(MS + 1100)
    expect([await late, await ctx.run('log.slice(3)'), await ctx.run('Date.now()')]).toEqual(['late', [['every', 120, 120]], MS + 1100])
    await ctx.dispose()
  })

  test('stands still while nobody moves it', async () => {
    ctx = await fresh()
    await ctx.run('var n = 0; setTimeout(() => n++, 1); setImmediate(() => n += 10)')
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    expect(await ctx.run('[n, Date.now()]')).toEqual([10, MS])
    expect([await ctx.advance(0), await ctx.run('n'), await ctx.advance(0.5), await ctx.advance(0.5), await ctx.run('n')]).toEqual([
      MS,
      10,
      MS + 0.5,
      MS + 1,
      11,
    ])
    await ctx.dispose()
  })

  test('moves AbortSignal.timeout, and console is told the time', async () => {
    ctx = await fresh()
    const times: number[] = []
    ctx.on('console', ({ time }) => times.push(time.getTime()))
    await ctx.run('const s = AbortSignal.timeout(1000); s.onabort = () => console.log("aborted"); console.time("t")')
    await ctx.advance(999)
    expect(await ctx.run('s.aborted')).toBe(false)
    await ctx.advance(1)
    expect(await ctx.run('console.timeEnd("t"); s.aborted')).toBe(true)
    await eventually('both', () => times.length === 2)
    expect(times).toEqual([MS + 1000, MS + 1000])
    await ctx.dispose()
  })

  test('calls host functions at their time', async () => {
    const calls: number[] = []
    await using other = await box.createContext({ tell: (ms: number) => calls.push(ms) }, { deterministic: {} })
    await other.run('setInterval(() => tell(Date.now()), 1000)')
    await other.advance(3500)
    expect(calls).toEqual([1000, 2000, 3000])
  })

  test('what a timer throws is uncaught, and the next goes on', async () => {
    ctx = await fresh()
    const thrown: string[] = []
    ctx.on('uncaughtException', ({ message }) => thrown.push(message))
    await ctx.run('var n = 0; setTimeout(() => { throw new Error("first") }, 1); setTimeout(() => n++, 2)')
    await ctx.advance(5)
    expect(await ctx.run('n')).toBe(1)
    await eventually('the error', () => thrown.length > 0)
    expect(thrown).toEqual(['first'])
    await ctx.dispose()
  })

  test('that has too much to do is stopped by the deadline, and goes on from there', async () => {
    ctx = await fresh()
    await ctx.run('var n = 0; setInterval(() => n++, 3); setTimeout(() => { for (;;); }, 50)')
    expect((await rejection(ctx.advance(100, { timeout: 100 }))).code).toBe('ERR_TIMEOUT')
    expect(await ctx.run('[n, Date.now()]')).toEqual([16, MS + 50])
    expect(await ctx.advance(10)).toBe(MS + 60)
    expect((await rejection(ctx.advance(1e12, { timeout: 50 }))).code).toBe('ERR_TIMEOUT')
    const reason = new Error('enough')
    const gone = new AbortController()
    const advance = rejection(ctx.advance(1e12, { signal: gone.signal }))
    setTimeout(() => gone.abort(reason), 50)
    expect(await advance).toBe(reason)
    expect(await ctx.run('typeof n')).toBe('number')
    await ctx.dispose()
  })

  test('goes on by itself in a single run, and waits for the host', async () => {
    const code = 'const start = Date.now(); new Promise((done) => setTimeout(() => done(Date.now() - start), 86400000))'
    expect(await box.run(code, { deterministic: {} })).toBe(86_400_000)
    const raced = await box.run('Promise.race([ask(), new Promise((done) => setTimeout(done, 1000, "late"))])', {
      deterministic: {},
      globals: {
        ask: async () => {
          await new Promise((resolve) => {
            setTimeout(resolve, 50)
          })
          return 'answer'
        },
      },
    })
    expect(raced).toBe('answer')
    const both = 'ask().then(() => new Promise((done) => setTimeout(() => done(Date.now()), 1000)))'
    expect(await box.run(both, { deterministic: {}, globals: { ask: async () => Promise.resolve(1) } })).toBe(1000)
  })

  test('does not go on by itself if that is not wanted', async () => {
    const never = box.run('new Promise((done) => setTimeout(done, 1))', { deterministic: { autoAdvance: false }, timeout: 100 })
    expect((await rejection(never)).code).toBe('ERR_TIMEOUT')
  })

  test('has an end', async () => {
    await using other = await box.createContext({}, { deterministic: { time: 8.64e15 - 5 } })
    expect([await other.advance(10), await other.run('new Date().getTime()')]).toEqual([8.64e15, 8.64e15])
  })

  test('is not there in any other context', async () => {
    await using usual = await box.createContext()
    expect((await rejection(usual.advance(1))).code).toBe('ERR_NO_CLOCK')
    expect(await usual.run('Date.now()')).toBeGreaterThan(MS)
  })
})

test('presets are deterministic, too', async () => {
  const preset = await box.definePreset({
    source: 'var made = [Math.random(), Date.now(), new Date(0).getHours()]; setTimeout(() => made.push("timer"), 10)',
  })
  const make = async (): Promise<unknown> => {
    await using ctx = await box.createContext({}, { globals: preset, deterministic: { seed: 1, time: MS, timeZone: 'Asia/Tokyo' } })
    await ctx.advance(10)
    return await ctx.run('[...made, Math.random()]')
  }
  const [one, two] = [await make(), await make()]
  expect(one).toEqual(two)
  expect(one).toMatchObject([expect.any(Number), MS, 9, 'timer', expect.any(Number)])
  expect(await box.run('[typeof URL, Math.random()]', { preset: 'ecmascript', deterministic: { seed: 1 } })).toEqual([
    'undefined',
    (one as number[])[0],
  ])
  const page =
    'document.body.innerHTML = Math.random(); new Promise((done) => requestAnimationFrame(() => done(document.body.innerHTML + Date.now())))'
  expect(await box.run(page, { preset: 'browser', deterministic: {} })).toBe(await box.run(page, { preset: 'browser', deterministic: {} }))
})

test.each<[options: object, message: string]>([
  [{ seed: {} }, "option 'seed' must be a number, or a string of at most 256 characters, got an object"],
  [{ seed: 'x'.repeat(257) }, "option 'seed' must be"],
  [{ time: 'never' }, `option 'time' must be a time that a Date can have, got "never"`],
  [{ time: 8.7e15 }, "option 'time' must be"],
  [{ timeZone: 'Mars/Olympus' }, `option 'timeZone' must be the name of a time zone, such as 'Europe/Berlin', got "Mars/Olympus"`],
  [{ timeZone: 5 }, "option 'timeZone' must be a string, got 5"],
  [{ locale: 'no such' }, `option 'locale' must be a language tag, such as 'de-CH', got "no such"`],
  [{ locale: '' }, "option 'locale' must be a language tag"],
  [{ autoAdvance: 1 }, "option 'autoAdvance' must be true or false, got 1"],
  [{ clock: 1 }, "option 'clock' is not an option of deterministic"],
])('%j is refused', async (deterministic, message) => {
  for (const attempt of [async () => box.run('1', { deterministic }), async () => box.createContext({}, { deterministic })]) {
    const error = await rejection(attempt())
    expect(error.code).toBe('ERR_INVALID_OPTION')
    expect(error.message).toContain(message)
  }
})

test.each([-1, Number.NaN, 1e17, '1', undefined])('advance(%s) is refused', async (ms) => {
  await using ctx = await box.createContext({}, { deterministic: {} })
  expect((await rejection(ctx.advance(ms as number))).message).toContain("option 'ms' must be a number from 0 to")
})

test('a zone that no worker can be in is refused, and nothing else is affected', async () => {
  expect((await rejection(box.run('1', { deterministic: { timeZone: '+05:00' } }))).code).toBe('ERR_TIME_ZONE')
  expect(await box.run('1 + 1')).toBe(2)
})

test('a guest that changes the built-ins changes nothing of it', async () => {
  const code = `
    crypto.randomUUID()
    const evil = () => { throw new Error('met') }
    for (const [holder, names] of [[Reflect, ['construct', 'apply']], [WeakMap.prototype, ['get', 'set']], [Array, ['isArray']], [Array.prototype, ['push']], [String.prototype, ['charCodeAt']],
      [Function.prototype, ['call', 'apply', 'bind']], [Math, ['imul', 'floor']], [Temporal.Instant, ['fromEpochMilliseconds']], [Temporal.Instant.prototype, ['toZonedDateTimeISO']]])
      for (const name of names) holder[name] = evil
    Array.prototype[Symbol.iterator] = evil;
    [new Date().getTime(), Date.now(), typeof Math.random(), typeof crypto.randomUUID(), new Intl.DateTimeFormat('en').format(), Temporal.Now.plainDateISO().year, typeof new Intl.NumberFormat().format(1), (1.5).toLocaleString()]`
  expect(await box.run(code, { deterministic: { time: 5, locale: 'de-DE' } })).toEqual([
    5,
    5,
    'number',
    'string',
    '1/1/1970',
    1970,
    'string',
    '1,5',
  ])
})
