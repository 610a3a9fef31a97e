import { describe, expect, test } from 'vitest'
import { throws, WebGuest } from '../../support/web-guest.ts'

/** Interface, what its class inherits from, its static members and its members: name(length) for functions, name= for what can be set. As their IDL says. */
const INTERFACES: readonly (readonly [name: string, parent: string, own: string, members: string])[] = [
  ['AbortController(0)', '', '', 'signal abort(0)'],
  ['AbortSignal(0)', 'EventTarget', 'abort(0) timeout(1) any(1)', 'aborted reason throwIfAborted(0) onabort='],
  ['ByteLengthQueuingStrategy(1)', '', '', 'highWaterMark size'],
  ['CountQueuingStrategy(1)', '', '', 'highWaterMark size'],
  ['Crypto(0)', '', '', 'getRandomValues(1) randomUUID(0)'],
  ['CustomEvent(1)', 'Event', '', 'detail initCustomEvent(1)'],
  ['DOMException(0)', '', '', 'name message code'],
  ['ErrorEvent(1)', 'Event', '', 'message filename lineno colno error'],
  [
    'Event(1)',
    '',
    '',
    'type target srcElement currentTarget eventPhase bubbles cancelable defaultPrevented composed timeStamp returnValue= cancelBubble= ' +
      'composedPath(0) stopPropagation(0) stopImmediatePropagation(0) preventDefault(0) initEvent(1)',
  ],
  ['EventTarget(0)', '', '', 'addEventListener(2) removeEventListener(2) dispatchEvent(1)'],
  ['Performance(0)', 'EventTarget', '', 'now(0) timeOrigin toJSON(0)'],
  ['QuotaExceededError(0)', 'DOMException', '', 'quota requested'],
  ['ReadableByteStreamController(0)', '', '', 'byobRequest desiredSize close(0) enqueue(1) error(0)'],
  ['ReadableStream(0)', '', 'from(1)', 'locked cancel(0) getReader(0) pipeThrough(1) pipeTo(1) tee(0) values(0)'],
  ['ReadableStreamBYOBReader(1)', '', '', 'closed cancel(0) read(1) releaseLock(0)'],
  ['ReadableStreamBYOBRequest(0)', '', '', 'view respond(1) respondWithNewView(1)'],
  ['ReadableStreamDefaultController(0)', '', '', 'desiredSize close(0) enqueue(0) error(0)'],
  ['ReadableStreamDefaultReader(1)', '', '', 'closed cancel(0) read(0) releaseLock(0)'],
  ['TextDecoder(0)', '', '', 'encoding fatal ignoreBOM decode(0)'],
  ['TextDecoderStream(0)', '', '', 'encoding fatal ignoreBOM readable writable'],
  ['TextEncoder(0)', '', '', 'encoding encode(0) encodeInto(2)'],
  ['TextEncoderStream(0)', '', '', 'encoding readable writable'],
  ['TransformStream(0)', '', '', 'readable writable'],
  ['TransformStreamDefaultController(0)', '', '', 'desiredSize enqueue(0) error(0) terminate(0)'],
  [
    'URL(1)',
    '',
    'parse(1) canParse(1)',
    'href= origin protocol= username= password= host= hostname= port= pathname= search= searchParams hash= toString(0) toJSON(0)',
  ],
  [
    'URLSearchParams(0)',
    '',
    '',
    'size append(2) delete(1) get(1) getAll(1) has(1) set(2) sort(0) toString(0) entries(0) forEach(1) keys(0) values(0)',
  ],
  ['WritableStream(0)', '', '', 'locked abort(0) close(0) getWriter(0)'],
  ['WritableStreamDefaultController(0)', '', '', 'signal error(0)'],
  ['WritableStreamDefaultWriter(1)', '', '', 'closed desiredSize ready abort(0) close(0) releaseLock(0) write(0)'],
]
const OPERATIONS = ['atob', 'btoa', 'structuredClone']

describe('interfaces', () => {
  const guest = new WebGuest()

  test.each(INTERFACES)('%s', (described, parent, own, members) => {
    const name = described.slice(0, described.indexOf('('))
    expect(
      guest.value(`
        const members = (owner) => Object.keys(owner).map((key) => {
          const { get, set, value } = Object.getOwnPropertyDescriptor(owner, key)
          return get ? key + (set ? '=' : '') : typeof value === 'function' ? key + '(' + value.length + ')' : key
        }).filter((key) => !/^[A-Z_]+$/.test(key)).join(' ')
        const above = Object.getPrototypeOf(${name})
        return [${name}.name + '(' + ${name}.length + ')', above === Function.prototype ? '' : above.name, members(${name}), members(${name}.prototype)]`),
    ).toEqual([described, parent, own, members])
    expect(
      guest.value(
        `return [Object.prototype.toString.call(${name}.prototype), Object.getOwnPropertyDescriptor(${name}, 'prototype').writable]`,
      ),
    ).toEqual([`[object ${name}]`, false])
    expect(guest.value(`return Object.getOwnPropertyDescriptor(globalThis, '${name}')`)).toEqual({
      value: expect.stringContaining(`class`) as unknown,
      writable: true,
      enumerable: false,
      configurable: true,
    })
    expect(guest.value(`${name}()`)).toEqual(throws('TypeError'))
  })

  test('all of them are there, and nothing of a host', () => {
    const names = guest.value(`return Object.getOwnPropertyNames(globalThis)`) as string[]
    const ours = [...INTERFACES.map(([described]) => described.slice(0, described.indexOf('('))), ...OPERATIONS, 'crypto', 'performance']
    expect(ours.filter((name) => !names.includes(name))).toEqual([])
    expect(
      ['process', 'require', 'Buffer', 'fetch', 'WebSocket', 'navigator', 'setTimeout'].filter((name) => names.includes(name)),
    ).toEqual([])
  })
})

describe('a global is loaded at the first touch', () => {
  test('nothing is loaded before', () => {
    const guest = new WebGuest()
    guest.run(`Object.getOwnPropertyNames(globalThis); 'URL' in globalThis; typeof setTimeout`)
    expect(guest.loaded).toEqual([])
  })

  test.each<[code: string, loaded: readonly string[]]>([
    ['URL', ['url']],
    ['typeof URL', ['url']],
    [`new URL('http://h/?a=b').searchParams.get('a')`, ['url']],
    [`new URLSearchParams('a=%ff')`, ['url', 'encoding']],
    [`atob('YQ=='); btoa('a')`, ['base64']],
    [`try { atob('a') } catch {}`, ['base64', 'dom-exception']],
    [`structuredClone({ a: new Map() })`, ['clone']],
    [`new Event('x'); new EventTarget(); new AbortController()`, ['events']],
    [`new AbortController().abort()`, ['events', 'dom-exception']],
    ['performance.now()', ['performance', 'events']],
    ['crypto.randomUUID()', ['crypto']],
    ['new TextDecoder()', ['encoding']],
    [`new TextDecoder('koi8-r')`, ['encoding', 'legacy-encodings']],
    ['new ReadableStream()', ['streams']],
    ['new WritableStream()', ['streams', 'events']],
    ['new TextEncoderStream()', ['streams', 'encoding', 'events']],
  ])('%s', (code, loaded) => {
    const guest = new WebGuest()
    guest.run(code)
    guest.run(code)
    expect(guest.loaded).toEqual(loaded)
  })

  test('it becomes a data property of the same value', () => {
    const guest = new WebGuest()
    expect(
      guest.value(`const { get } = Object.getOwnPropertyDescriptor(globalThis, 'URL'), first = URL
        return [first === URL, get() === URL, typeof Object.getOwnPropertyDescriptor(globalThis, 'URL').value]`),
    ).toEqual([true, true, 'function'])
  })

  test('what is not for everybody to eval can be given evaluated', () => {
    const guest = new WebGuest({ evaluated: true })
    guest.run(`globalThis.eval = () => { throw new EvalError() }`)
    expect(guest.value(`return new URL('http://h').href`)).toBe('http://h/')
  })
})

describe('a global can be replaced before it is loaded', () => {
  test.each<[what: string, code: string, expected: unknown]>([
    [
      'by assignment',
      `URL = 1; return Object.getOwnPropertyDescriptor(globalThis, 'URL')`,
      { value: 1, writable: true, enumerable: false, configurable: true },
    ],
    ['in strict code', `'use strict'; URL = 1; return URL`, 1],
    [
      'an operation',
      `atob = 1; return Object.getOwnPropertyDescriptor(globalThis, 'atob')`,
      { value: 1, writable: true, enumerable: true, configurable: true },
    ],
    [
      'performance',
      `performance = 1; return Object.getOwnPropertyDescriptor(globalThis, 'performance')`,
      { value: 1, writable: true, enumerable: true, configurable: true },
    ],
    ['by definition', `Object.defineProperty(globalThis, 'URL', { value: 1 }); return URL`, 1],
    ['by deletion', `return [delete globalThis.URL, typeof URL]`, [true, 'undefined']],
    [
      'by deletion, though the getter was kept',
      `const { get } = Object.getOwnPropertyDescriptor(globalThis, 'URL'); delete globalThis.URL; return [get().name, typeof URL]`,
      ['URL', 'undefined'],
    ],
    [
      'on an object that inherits',
      `const o = Object.create(globalThis); o.URL = 1; return [Object.getOwnPropertyDescriptor(o, 'URL'), typeof URL]`,
      [{ value: 1, writable: true, enumerable: true, configurable: true }, 'function'],
    ],
    [
      'not if the global object is frozen',
      `'use strict'; Object.freeze(globalThis); const name = URL.name; try { URL = 1 } catch (error) { return [name, error.name, URL === URL, typeof URL] }`,
      ['URL', 'TypeError', true, 'function'],
    ],
    ['crypto is read-only', `'use strict'; crypto = 1`, throws('TypeError')],
    ['crypto in sloppy code', `crypto = 1; return typeof crypto`, 'object'],
  ])('%s', (_, code, expected) => {
    const guest = new WebGuest()
    expect(guest.value(code)).toEqual(expected)
    expect(guest.loaded.filter((library) => library !== 'url' && library !== 'crypto')).toEqual([])
  })

  test('by a declaration of a script', () => {
    const guest = new WebGuest()
    guest.run(`var URL = 1; function atob() { return 2 }`)
    expect(guest.value(`return [URL, atob()]`)).toEqual([1, 2])
    guest.run(`const TextDecoder = 3; class Event {}`)
    expect(guest.run(`TextDecoder`)).toBe(3)
    expect(guest.loaded).toEqual([])
  })
})

test.each<[what: string, code: string, expected: unknown]>([
  [
    'operations are enumerable and no constructors',
    `return [atob, btoa, structuredClone].map((f) => { const d = Object.getOwnPropertyDescriptor(globalThis, f.name); return [d.enumerable, d.writable, d.configurable, Object.hasOwn(f, 'prototype')] })`,
    Array.from({ length: 3 }, () => [true, true, true, false]),
  ],
  [
    'crypto',
    `const d = Object.getOwnPropertyDescriptor(globalThis, 'crypto'); return [d.get.name, typeof d.set, d.enumerable, d.configurable, crypto === crypto, crypto instanceof Crypto]`,
    ['get crypto', 'undefined', true, true, true, true],
  ],
  [
    'performance',
    `const d = Object.getOwnPropertyDescriptor(globalThis, 'performance'); return [d.get.name, d.set.name, d.enumerable, d.configurable, performance === performance, performance instanceof Performance]`,
    ['get performance', 'set performance', true, true, true, true],
  ],
  ['their getters on something else', `Object.getOwnPropertyDescriptor(globalThis, 'crypto').get.call({})`, throws('TypeError')],
  ['their getters without this', `return Object.getOwnPropertyDescriptor(globalThis, 'crypto').get.call() === crypto`, true],
  [
    'performance.now',
    `return [performance.now(), performance.timeOrigin, JSON.stringify(performance)]`,
    [0, 1_700_000_000_000, '{"timeOrigin":1700000000000}'],
  ],
  [
    'performance is a target',
    `let n = 0; performance.addEventListener('x', () => n++); performance.dispatchEvent(new Event('x')); return n`,
    1,
  ],
  ['a method of performance on something else', `performance.now.call({})`, throws('TypeError')],
  ['making a Performance', `new Performance()`, throws('TypeError')],
  ['making a Crypto', `new Crypto()`, throws('TypeError')],
  // After the web-platform tests' WebCryptoAPI/getRandomValues.any.js and randomUUID.https.any.js.
  [
    'getRandomValues',
    `return [Int8Array, Int16Array, Int32Array, BigInt64Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, BigUint64Array].map((View) => { const v = new View(64); return crypto.getRandomValues(v) === v && v.some((x) => x != 0) })`,
    Array<boolean>(9).fill(true),
  ],
  [
    'getRandomValues of part of a buffer',
    `const b = new Uint8Array(200); crypto.getRandomValues(b.subarray(50, 150)); return [b.subarray(0, 50).some((x) => x), b.subarray(50, 150).some((x) => x), b.subarray(150).some((x) => x)]`,
    [false, true, false],
  ],
  ['getRandomValues of nothing', `return crypto.getRandomValues(new Uint8Array()).length`, 0],
  ['getRandomValues of a detached view', `const v = new Uint8Array(4); v.buffer.transfer(); return crypto.getRandomValues(v).length`, 0],
  ['getRandomValues of numbers with fractions', `crypto.getRandomValues(new Float32Array(1))`, throws('TypeMismatchError')],
  ['getRandomValues of halves', `crypto.getRandomValues(new Float16Array(1))`, throws('TypeMismatchError')],
  ['getRandomValues of a DataView', `crypto.getRandomValues(new DataView(new ArrayBuffer(1)))`, throws('TypeMismatchError')],
  ['getRandomValues of no view', `crypto.getRandomValues([1])`, throws('TypeError')],
  ['getRandomValues of a shared buffer', `crypto.getRandomValues(new Uint8Array(new SharedArrayBuffer(1)))`, throws('TypeError')],
  ['getRandomValues of 65536 bytes', `return crypto.getRandomValues(new Uint8Array(65536)).length`, 65536],
  [
    'getRandomValues of more',
    `try { crypto.getRandomValues(new Uint8Array(65537)) } catch (e) { return [e.name, e.code, e.quota, e.requested, e instanceof QuotaExceededError] }`,
    ['QuotaExceededError', 22, 65536, 65537, true],
  ],
  [
    'randomUUID',
    `const all = Array.from({ length: 200 }, () => crypto.randomUUID()); return [new Set(all).size, all.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))]`,
    [200, true],
  ],
  ['a method of crypto on something else', `crypto.randomUUID.call({})`, throws('TypeError')],
])('%s', (_, code, expected) => {
  expect(new WebGuest().value(code)).toEqual(expected)
})

describe('the realm side', () => {
  test.each<[check: 'isReadableStream' | 'isWritableStream' | 'isAbortSignal', value: string, expected: boolean]>([
    ['isReadableStream', `new ReadableStream()`, true],
    ['isReadableStream', `new (class extends ReadableStream {})()`, true],
    ['isReadableStream', `Object.setPrototypeOf(new ReadableStream(), null)`, false],
    ['isReadableStream', `Object.create(ReadableStream.prototype)`, false],
    ['isReadableStream', `new WritableStream()`, false],
    ['isReadableStream', `({})`, false],
    ['isWritableStream', `new WritableStream()`, true],
    ['isWritableStream', `new TransformStream()`, false],
    ['isAbortSignal', `new AbortController().signal`, true],
    ['isAbortSignal', `Object.setPrototypeOf(new AbortController().signal, null)`, true],
    ['isAbortSignal', `Object.create(AbortSignal.prototype)`, false],
    ['isAbortSignal', `new EventTarget()`, false],
  ])('%s of %s is %j', (check, value, expected) => {
    const guest = new WebGuest()
    const object = guest.run(value) as object
    expect(
      check === 'isAbortSignal' ? guest.libraries.use('events').isAbortSignal(object) : guest.libraries.use('streams')[check](object),
    ).toBe(expected)
  })

  test('hears of an abort before the listeners, unless it takes that back', () => {
    const guest = new WebGuest()
    guest.run(`var controller = new AbortController(), log = []; controller.signal.onabort = () => log.push('listener')`)
    const { onAbort } = guest.libraries.use('events')
    const signal = guest.run('controller.signal') as Parameters<typeof onAbort>[0]
    const seen: unknown[] = []
    onAbort(signal, () => void seen.push('first', guest.value('return log')))
    onAbort(signal, () => void seen.push('gone'))()
    onAbort(signal, () => void seen.push('last'))
    guest.run(`controller.abort()`)
    expect(seen).toEqual(['first', [], 'last'])
    expect(guest.value('return log')).toEqual(['listener'])
  })

  test('asks for a library only if a guest can have objects of it', () => {
    const guest = new WebGuest()
    expect(guest.libraries.loaded('streams')).toBe(undefined)
    guest.run('ReadableStream')
    expect(guest.libraries.loaded('streams')).toBe(guest.libraries.use('streams'))
  })
})

/** A guest may break its own globals. Nothing that it has put in their way gets hold of what the libraries use beneath. */
test('what a guest puts on its prototypes never sees the worker', () => {
  const guest = new WebGuest()
  guest.run(`
    var seen = []
    {
      const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Reflect
      const note = (value) => {
        if ((typeof value === 'object' && value !== null) || typeof value === 'function') defineProperty(seen, seen.length, { __proto__: null, value })
      }
      const classes = [Object, Function, Array, String, Map, Set, WeakMap, WeakRef, Promise, Uint8Array, getPrototypeOf(Uint8Array), ArrayBuffer, Error, Symbol, RegExp]
      for (let c = 0; c < classes.length; c++) {
        const { prototype } = classes[c]
        const keys = ownKeys(prototype)
        for (let k = 0; k < keys.length; k++) {
          const { configurable, value } = getOwnPropertyDescriptor(prototype, keys[k])
          if (!configurable || typeof value !== 'function' || keys[k] === 'constructor') continue
          const spy = {
            __proto__: null,
            apply(target, self, args) {
              note(self)
              for (let i = 0; i < args.length; i++) note(args[i])
              return apply(target, self, args)
            },
          }
          defineProperty(prototype, keys[k], { __proto__: null, value: new Proxy(value, spy) })
        }
      }
      const names = ['now', 'randomBytes', 'setTimeout', 'reportError', 'parseUrl', 'updateUrl', 'timeOrigin', 'host', 'use', 'load']
      for (let n = 0; n < names.length; n++)
        defineProperty(Object.prototype, names[n], { __proto__: null, configurable: true, get() { note(this) }, set(value) { note(this); note(value) } })
    }
    const acts = [
      () => new URL('http://h/?a=%ff').searchParams.append('b', 'c'),
      () => crypto.getRandomValues(new Uint8Array(8)),
      () => crypto.randomUUID(),
      () => performance.now(),
      () => AbortSignal.any([AbortSignal.timeout(5)]).addEventListener('abort', () => {}),
      () => new AbortController().abort(),
      () => new EventTarget().dispatchEvent(new Event('x')),
      () => structuredClone(new Map([[{}, new Error('x')]])),
      () => new TextDecoder('sjis').decode(new TextEncoder().encode('x')),
      () => atob(btoa('x')),
      () => new ReadableStream({ start(c) { c.enqueue(1); c.close() } }).pipeTo(new WritableStream()),
    ]
    for (let i = 0; i < acts.length; i++) acts[i]()`)
  expect(guest.loaded).toHaveLength(10)
  const secrets = `['parseUrl', 'randomBytes', 'use', 'host'].some((key) => value !== Object.prototype && Object.hasOwn(value, key))`
  const foreign = `!(value instanceof Object) && Reflect.getPrototypeOf(value) !== null && value !== Object.prototype`
  expect(
    guest.value(`return [seen.length > 100, seen.filter((value) => ${secrets}).length, seen.filter((value) => ${foreign}).length]`),
  ).toEqual([true, 0, 0])
})

/** Iterators that polyfills have replaced, before the library was loaded. What the body itself iterates over is no array. */
test.each([
  [`return new URL('https://a/?b=c&d=e').searchParams.get('d')`, 'e'],
  [`return new URLSearchParams('a=1&b=2').getAll('b').length`, 1],
  [`return new TextEncoder().encode('abc').length`, 3],
  [`return new TextDecoder().decode(new Uint8Array(0))`, ''],
  [`return AbortSignal.any({ *[Symbol.iterator]() { yield AbortSignal.abort() } }).aborted`, true],
  [
    `const target = new EventTarget(); let heard = 0; target.addEventListener('x', () => heard++); target.dispatchEvent(new Event('x')); return heard`,
    1,
  ],
  [`return structuredClone({ list: new Array(2) }).list.length`, 2],
  [`return atob(btoa('x'))`, 'x'],
  [`return crypto.getRandomValues(new Uint8Array(2)).length`, 2],
  [`return new DOMException('m', 'DataError').name`, 'DataError'],
  [`return new ReadableStream().locked`, false],
])('without the iterator of arrays: %s', (body, expected) => {
  const spoilt = new WebGuest()
  spoilt.run(`Array.prototype[Symbol.iterator] = function () { throw new Error('replaced') }`)
  expect(spoilt.value(body)).toEqual(expected)
})
