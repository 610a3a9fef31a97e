import { build } from 'esbuild'
import { createContext, runInContext } from 'node:vm'
import { beforeAll, expect, test } from 'vitest'
import { tamperings } from '../support/tamperings.ts'

/** The codec as it runs in a guest: bundled, evaluated in a context that has nothing but ECMAScript. */
let bundle: string

beforeAll(async () => {
  const result = await build({
    stdin: {
      contents: `
        export { MsgpackWriter } from './msgpack/writer.ts'
        export { MsgpackReader } from './msgpack/reader.ts'
        export { ValueEncoder } from './values/value-encoder.ts'
        export { ValueDecoder } from './values/value-decoder.ts'
        export { CodecError } from './msgpack/codec-error.ts'`,
      resolveDir: new URL('../../src/protocol', import.meta.url).pathname,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'codec',
    target: 'node26',
  })
  bundle = result.outputFiles[0]!.text
})

/** Puts the codec in a realm, then runs `tamper`, then sends a value there and back. Returns what differs. */
function roundTrip(tamper: string): unknown {
  const context = createContext()
  runInContext(bundle, context)
  runInContext(PREPARE, context)
  runInContext(tamper, context)
  return runInContext('check()', context)
}

/** The checks use nothing that a guest could tamper with afterwards. */
const PREPARE = `
  var { check } = (() => {
    const { MsgpackWriter, MsgpackReader, ValueEncoder, ValueDecoder } = codec
    const encoder = new ValueEncoder()
    const decoder = new ValueDecoder()
    const ownKeys = Reflect.ownKeys
    const describe = Reflect.getOwnPropertyDescriptor
    const call = Function.prototype.call.bind(Function.prototype.call)
    const mapGet = Map.prototype.get, setHas = Set.prototype.has, getTime = Date.prototype.getTime, MapProto = Map.prototype, is = Object.is
    const arr = [1, 'two', [true, null], undefined, -0]
    const sparse = [1]; sparse[5] = 6
    const big = []; for (let i = 0; i < 40; i++) big[i] = { i, n: -i }
    const buffer = new ArrayBuffer(8)
    const value = { a: 1, text: 'é'.repeat(100), long: 'x'.repeat(3000), middling: 'neither short nor long', accented: 'żółw and company', arr, sparse, big, map: new Map([['k', arr]]), set: new Set([7]), date: new Date(5), re: /x/g,
      big2: 12345678901234567890n, view: new Uint16Array(buffer, 2, 2), view2: new Uint8Array(buffer), error: new RangeError('m', { cause: arr }), lone: '\\ud800', boxed: Object('b'),
      nul: Object.assign(Object.create(null), { a: 1 }), 5: 'index', ['__proto__']: { p: 1 }, toString: 3 }
    value.self = value
    value.view[0] = 513
    const own = (object, key) => { const d = describe(object, key); return d === undefined ? undefined : d.value }
    const check = () => {
      const writer = new MsgpackWriter()
      encoder.write(writer, value)
      const reader = new MsgpackReader(writer.bytes, 0, writer.position)
      const out = decoder.read(reader)
      reader.finish()
      const keys = ownKeys(value), keysOut = ownKeys(out)
      if (keys.length !== keysOut.length) return 'keys ' + keysOut.length
      for (let i = 0; i < keys.length; i++) if (keys[i] !== keysOut[i]) return 'key ' + i
      const outArr = own(out, 'arr')
      if (ownKeys(outArr).length !== 6 || own(outArr, 1) !== 'two' || !is(own(outArr, 4), -0) || own(own(outArr, 2), 0) !== true) return 'arr'
      if (ownKeys(own(out, 'sparse')).length !== 3 || own(own(out, 'sparse'), 5) !== 6) return 'sparse'
      for (let i = 0; i < 40; i++) if (own(own(own(out, 'big'), i), 'i') !== i || own(own(own(out, 'big'), i), 'n') !== -i || ownKeys(own(own(out, 'big'), i)).length !== 2) return 'big ' + i
      if (call(mapGet, own(out, 'map'), 'k') !== outArr) return 'map'
      if (!call(setHas, own(out, 'set'), 7)) return 'set'
      if (call(getTime, own(out, 'date')) !== 5) return 'date'
      if (own(out, 'text') !== value.text || own(out, 'long') !== value.long || own(out, 'lone') !== value.lone || own(out, 'big2') !== value.big2 || own(out, 'middling') !== value.middling || own(out, 'accented') !== value.accented) return 'text'
      if (own(own(out, 'view2'), 3) !== 2 || own(own(out, 'view'), 0) !== 513) return 'views'
      if (own(own(out, 'error'), 'message') !== 'm' || own(own(out, 'error'), 'cause') !== outArr) return 'error'
      if (own(out, '__proto__') === undefined || own(own(out, '__proto__'), 'p') !== 1 || own(out, 'toString') !== 3 || own(out, '5') !== 'index') return 'names'
      if (own(out, 'self') !== out) return 'self'
      return 'same'
    }
    return { check }
  })()
`

test.each(tamperings(['check', 'codec']))('with %s, values still cross', (_, tamper) => {
  expect(roundTrip(tamper)).toBe('same')
})

test('a codec error of the guest realm has its code and path', () => {
  const context = createContext()
  runInContext(bundle, context)
  expect(
    runInContext(
      `try { new codec.ValueEncoder().write(new codec.MsgpackWriter(), { a: [Promise.resolve()] }) } catch (e) { [e.code, e.path, e.message, e instanceof Error].join() }`,
      context,
    ),
  ).toBe('ERR_VALUE_UNSUPPORTED,value.a[0],value.a[0]: a Promise cannot cross,true')
})

// It takes seconds, and many times that on a machine that is busy.
test('what overflows the stack while a value is read leaves the encoder usable', { timeout: 120_000 }, () => {
  const context = createContext()
  runInContext(bundle, context)
  expect(
    runInContext(
      `const encoder = new codec.ValueEncoder({ maxDepth: 1000 }), decoder = new codec.ValueDecoder({ maxDepth: 1000 })
       let deep = []; for (let i = 0; i < 900; i++) deep = [deep]
       const writer = new codec.MsgpackWriter(); encoder.write(writer, deep)
       const outcomes = new Set()
       let height = 0
       const dig = (n) => { try { dig(n + 1) } catch {}
         if (++height > 50 && height % 20) throw 1
         try { encoder.write(new codec.MsgpackWriter(), deep); outcomes.add('written') } catch (e) { outcomes.add(e.constructor.name) }
         try { decoder.read(new codec.MsgpackReader(writer.bytes, 0, writer.position)); outcomes.add('read') } catch (e) { outcomes.add(e.constructor.name) }
         if (n > 200) throw 1 }
       try { dig(0) } catch {}
       const w = new codec.MsgpackWriter(); encoder.write(w, [1]); outcomes.has('written') && outcomes.has('read') && w.position === 2 && encoder.busy === false`,
      context,
    ),
  ).toBe(true)
})
