import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()

const PRELUDE = `
  const log = []
  const from = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close() } })
  const all = async (stream) => { const chunks = []; for await (const chunk of stream) chunks.push(chunk); return chunks }
  const run = async () => {`
const body = (code: string): string => `${PRELUDE}${code}\n}\nreturn run()`

/** The basic cases of the web-platform tests' streams. `node: false` where Node 26 does something else than the standard. */
const CASES: readonly { readonly what: string; readonly code: string; readonly expected: unknown; readonly node?: false }[] = [
  // ReadableStream
  {
    what: 'read',
    code: `const r = from('a', 'b').getReader(); return [await r.read(), await r.read(), await r.read(), await r.closed]`,
    expected: [{ value: 'a', done: false }, { value: 'b', done: false }, { value: 'undefined', done: true }, 'undefined'],
  },
  { what: 'iterate', code: `return all(from(1, 2, 3))`, expected: [1, 2, 3] },
  {
    what: 'pull is called as needed',
    code: `let n = 0; const s = new ReadableStream({ pull(c) { log.push('pull ' + n); c.enqueue(n++); if (n === 3) c.close() } }, { highWaterMark: 0 }); log.push('made'); const r = s.getReader(); await r.read(); await r.read(); return log`,
    expected: ['made', 'pull 0', 'pull 1'],
  },
  {
    what: 'back-pressure',
    code: `let c; const s = new ReadableStream({ start(controller) { c = controller } }, { highWaterMark: 2 }); log.push(c.desiredSize); c.enqueue(1); log.push(c.desiredSize); c.enqueue(1); c.enqueue(1); log.push(c.desiredSize); c.close(); log.push(c.desiredSize); return log`,
    expected: [2, 1, -1, -1],
  },
  {
    what: 'an error reaches the reader',
    code: `const r = new ReadableStream({ start(c) { c.error(new RangeError('x')) } }).getReader(); r.closed.catch((e) => log.push(e.name)); await r.read()`,
    expected: throws('RangeError'),
  },
  {
    what: 'start that rejects',
    code: `await new ReadableStream({ start: async () => { throw new RangeError('x') } }).getReader().read()`,
    expected: throws('RangeError'),
  },
  {
    what: 'pull that throws',
    code: `await new ReadableStream({ pull() { throw new RangeError('x') } }).getReader().read()`,
    expected: throws('RangeError'),
  },
  {
    what: 'cancel',
    code: `const s = new ReadableStream({ cancel(reason) { log.push(reason) } }); await s.cancel('why'); return [log, (await s.getReader().read()).done]`,
    expected: [['why'], true],
  },
  {
    what: 'leaving a loop cancels',
    code: `const s = new ReadableStream({ pull(c) { c.enqueue(1) }, cancel() { log.push('cancelled') } }); for await (const x of s) break; return [log, s.locked]`,
    expected: [['cancelled'], false],
  },
  {
    what: 'leaving a loop with preventCancel',
    code: `const s = from(1, 2); for await (const x of s.values({ preventCancel: true })) break; return all(s)`,
    expected: [2],
  },
  { what: 'a lock', code: `const s = from(); s.getReader(); log.push(s.locked); s.getReader()`, expected: throws('TypeError') },
  {
    what: 'releasing a lock',
    code: `const s = from(1), r = s.getReader(); r.releaseLock(); log.push(s.locked, (await s.getReader().read()).value); try { await r.read() } catch (e) { log.push(e.name) } return log`,
    expected: [false, 1, 'TypeError'],
  },
  { what: 'enqueue after close', code: `new ReadableStream({ start(c) { c.close(); c.enqueue(1) } })`, expected: throws('TypeError') },
  {
    what: 'tee',
    code: `const [a, b] = from(1, 2).tee(); return [await all(a), await all(b)]`,
    expected: [
      [1, 2],
      [1, 2],
    ],
  },
  {
    what: 'ReadableStream.from',
    code: `return [await all(ReadableStream.from([1, 2])), await all(ReadableStream.from((async function* () { yield 3 })()))]`,
    expected: [[1, 2], [3]],
  },
  {
    what: 'bytes',
    code: `const s = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close() } }); const r = s.getReader({ mode: 'byob' }); const { value } = await r.read(new Uint8Array(2)); const rest = await r.read(new Uint8Array(2)); return [value, rest.value]`,
    expected: [[1, 2], [3]],
  },
  {
    what: 'bytes into the buffer of the reader',
    code: `const s = new ReadableStream({ type: 'bytes', pull(c) { const v = c.byobRequest.view; v[0] = 9; c.byobRequest.respond(1) } }); const { value } = await s.getReader({ mode: 'byob' }).read(new Uint8Array(4)); return value`,
    expected: [9],
  },
  { what: 'an unknown type', code: `new ReadableStream({ type: 'x' })`, expected: throws('TypeError') },
  { what: 'a negative highWaterMark', code: `new ReadableStream({}, { highWaterMark: -1 })`, expected: throws('RangeError') },
  { what: 'a method on something else', code: `ReadableStream.prototype.getReader.call({})`, expected: throws('TypeError') },
  // WritableStream
  {
    what: 'write and close',
    code: `const w = new WritableStream({ write(c) { log.push(c) }, close() { log.push('closed') } }).getWriter(); w.write(1); w.write(2); await w.close(); return log`,
    expected: [1, 2, 'closed'],
  },
  {
    what: 'ready waits for the sink',
    code: `let go; const w = new WritableStream({ write: () => new Promise((r) => { go = r }) }).getWriter(); w.write(1); log.push(w.desiredSize); await null; w.ready.then(() => log.push('ready')); await null; log.push('waiting'); go(); await w.ready; return log`,
    expected: [0, 'waiting', 'ready'],
  },
  {
    what: 'a sink that fails',
    code: `const w = new WritableStream({ write() { throw new RangeError('x') } }).getWriter(); w.closed.catch(() => {}); w.ready.catch(() => {}); await w.write(1)`,
    expected: throws('RangeError'),
  },
  {
    what: 'abort',
    code: `let signal; const s = new WritableStream({ start(c) { signal = c.signal }, abort(r) { log.push(r) } }); await s.abort('why'); return [log, signal.aborted, signal.reason, signal instanceof AbortSignal]`,
    expected: [['why'], true, 'why', true],
  },
  {
    what: 'abort by the controller',
    code: `let c; const w = new WritableStream({ start(controller) { c = controller } }).getWriter(); w.ready.catch(() => {}); c.error(new RangeError()); await w.closed`,
    expected: throws('RangeError'),
  },
  // Pipes
  {
    what: 'pipeTo',
    code: `await from(1, 2).pipeTo(new WritableStream({ write(c) { log.push(c) }, close() { log.push('closed') } })); return log`,
    expected: [1, 2, 'closed'],
  },
  {
    what: 'pipeTo with preventClose',
    code: `const s = new WritableStream({ write(c) { log.push(c) }, close() { log.push('closed') } }); await from(1).pipeTo(s, { preventClose: true }); return [log, s.locked]`,
    expected: [[1], false],
  },
  {
    what: 'pipeTo that a signal aborts',
    code: `const c = new AbortController(); const s = new ReadableStream({ pull() { return new Promise(() => {}) }, cancel(r) { log.push('cancel ' + r) } }); const p = s.pipeTo(new WritableStream({ abort(r) { log.push('abort ' + r) } }), { signal: c.signal }); c.abort('why'); try { await p } catch (e) { log.push(e) } return log`,
    expected: ['abort why', 'cancel why', 'why'],
  },
  {
    what: 'pipeTo with a signal that has aborted',
    code: `try { await from(1).pipeTo(new WritableStream(), { signal: AbortSignal.abort() }) } catch (e) { return [e.name, e instanceof DOMException] }`,
    expected: ['AbortError', true],
  },
  {
    what: 'pipeTo with something else as signal',
    code: `await from(1).pipeTo(new WritableStream(), { signal: {} })`,
    expected: throws('TypeError'),
  },
  {
    what: 'an error of the source aborts the destination',
    code: `const s = new ReadableStream({ pull(c) { c.error('bad') } }); try { await s.pipeTo(new WritableStream({ abort(r) { log.push('abort ' + r) } })) } catch (e) { log.push(e) } return log`,
    expected: ['abort bad', 'bad'],
  },
  {
    what: 'pipeThrough',
    code: `return all(from(1, 2).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x * 10) }, flush(c) { c.enqueue('end') } })))`,
    expected: [10, 20, 'end'],
  },
  {
    what: 'an identity transform',
    code: `const t = new TransformStream(), w = t.writable.getWriter(); w.write(1); w.close(); return all(t.readable)`,
    expected: [1],
  },
  {
    what: 'a transform that throws',
    code: `await all(from(1).pipeThrough(new TransformStream({ transform() { throw new RangeError() } })))`,
    expected: throws('RangeError'),
  },
  {
    what: 'a transform that terminates',
    code: `return all(from(1, 2).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x); c.terminate() } })))`,
    expected: [1],
  },
  // Strategies
  {
    what: 'strategies',
    code: `const c = new CountQueuingStrategy({ highWaterMark: 3 }), b = new ByteLengthQueuingStrategy({ highWaterMark: 5 }); return [c.highWaterMark, c.size({}), b.highWaterMark, b.size(new Uint8Array(7))]`,
    expected: [3, 1, 5, 7],
  },
  // Text
  {
    what: 'TextEncoderStream',
    code: `return (await all(from('a', '', '\\ud83d', '\\udca9', '\\ud83d').pipeThrough(new TextEncoderStream()))).map((c) => [...c])`,
    expected: [[97], [240, 159, 146, 169], [239, 191, 189]],
  },
  {
    what: 'TextEncoderStream of what is no text',
    code: `return (await all(from(12, null).pipeThrough(new TextEncoderStream()))).map((c) => [...c])`,
    expected: [
      [49, 50],
      [110, 117, 108, 108],
    ],
  },
  {
    what: 'TextDecoderStream',
    code: `return all(from(new Uint8Array([0xf0, 0x9f]), new Uint8Array([0x92, 0xa9, 0x61]), new Uint8Array([0xc3])).pipeThrough(new TextDecoderStream()))`,
    expected: ['\u{1f4a9}a', '\ufffd'],
  },
  {
    what: 'TextDecoderStream that is fatal',
    code: `await all(from(new Uint8Array([0xff])).pipeThrough(new TextDecoderStream('utf-8', { fatal: true })))`,
    expected: throws('TypeError'),
  },
  { what: 'TextDecoderStream of text', code: `await all(from('a').pipeThrough(new TextDecoderStream()))`, expected: throws('TypeError') },
  {
    what: 'the attributes of text streams',
    code: `const d = new TextDecoderStream('latin1', { fatal: true }); return [d.encoding, d.fatal, d.ignoreBOM, new TextEncoderStream().encoding, d.readable instanceof ReadableStream, d.writable instanceof WritableStream]`,
    expected: ['windows-1252', true, false, 'utf-8', true, true],
  },
]

test.each(CASES)('$what', ({ code, expected }) => {
  expect(guest.value(body(code))).toEqual(expected)
})

test.each(CASES.filter(({ node }) => node !== false))('$what in Node', async ({ code, expected }) => {
  expect(await valueInNode(body(code))).toEqual(expected)
})
