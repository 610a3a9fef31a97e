/** Uses each library once, in a run of its own: what one does not survive, the next one may. */
export const WEB_USES: readonly string[] = [
  `judge(URL); { const url = judge(new URL('https://a:b@h:1/p?q=1#f')); url.host = 'e.org'; judge(url.searchParams); url.searchParams.append('a', 'b')
    judge(url.searchParams.entries()); judge(url.searchParams.getAll('q')); url.searchParams.sort(); judge(url.href); judge(URL.parse('nonsense')) } 0`,
  `judge(new URL('nonsense'))`,
  `judge(new URLSearchParams({ a: 'b', c: 'd' })); judge(new URLSearchParams('a=1').keys().next()); 0`,
  `judge(new TextEncoder().encode('\\u00e9')); judge(new TextEncoder().encodeInto('x', new Uint8Array(2))); 0`,
  `{ const bytes = new Uint8Array(3); bytes[0] = 104; judge(new TextDecoder().decode(bytes, { stream: true })); judge(new TextDecoder('utf-16le').decode(bytes)); judge(new TextDecoder('shift_jis').decode(bytes)) } 0`,
  `judge(new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(2).fill(255)))`,
  `{ const target = judge(new EventTarget()), event = judge(new Event('x', { cancelable: true })); target.addEventListener('x', function (given) { judge(this); judge(given)
    judge(given.composedPath()); judge(arguments) }, { once: true }); judge(target.dispatchEvent(event)) } 0`,
  `{ const controller = judge(new AbortController()); judge(controller.signal); controller.signal.onabort = function (event) { judge(this); judge(event) }; controller.abort()
    judge(controller.signal.reason); judge(AbortSignal.abort()); judge(AbortSignal.any([controller.signal])); judge(AbortSignal.timeout(1)) } 0`,
  `judge(AbortSignal.abort().throwIfAborted())`,
  `judge(new DOMException('m', 'DataError')); judge(atob(btoa('x'))); 0`,
  `judge(atob('*'))`,
  `judge(structuredClone({ a: new Map(), s: new Set(), d: new Date(1), u: new Uint8Array(2), e: new RangeError('m'), n: Object(1n), r: /x/ })); 0`,
  `judge(structuredClone(() => 0))`,
  `judge(crypto); judge(crypto.getRandomValues(new Uint8Array(4))); judge(crypto.randomUUID()); judge(performance); judge(performance.toJSON()); 0`,
  `judge(crypto.getRandomValues(new Uint8Array(70000)))`,
  `{ const read = judge(new ReadableStream({ start(controller) { judge(this); judge(controller); controller.enqueue({}); controller.close() }, pull() { judge(arguments) } }))
    const reader = judge(judge(read.pipeThrough(new TransformStream({ transform(chunk, controller) { judge(this); judge(controller); controller.enqueue([chunk]) } }))).getReader())
    judge(reader.read()); judge(reader.closed); judge(reader.cancel('why')) } 0`,
  `{ const writer = judge(new WritableStream({ write(chunk, controller) { judge(this); judge(controller); judge(controller.signal); throw chunk } }).getWriter()); judge(writer.ready)
    judge(writer.write([])); judge(writer.closed); judge(writer.abort()) } 0`,
  `judge(new ReadableStream({ type: 'bytes', pull(controller) { judge(controller.byobRequest); controller.enqueue(new Uint8Array(1)) }, autoAllocateChunkSize: 8 }).tee()); 0`,
]
