/** Functions of a host, for the contexts of the escape tests and, as they are, for their controls on plain node:vm. */

type AnyFunction = (...args: readonly unknown[]) => unknown

export const HOST = {
  /** Gives back what it got: a list. */
  echo: (...args: readonly unknown[]) => args,
  /** Gives back one value as it is. */
  give: (value: unknown) => value,
  later: async (value: unknown) => value,
  fail: (message: string) => {
    throw Object.assign(new RangeError(message), { code: 'ERR_OF_HOST', errno: -2 })
  },
  failLater: async (message: string) => {
    throw new TypeError(message)
  },
  /** Throws what it got. */
  throwBack: (value: unknown) => {
    throw value
  },
  /** A promise from a function that is not asynchronous. */
  promise: (value: unknown) => Promise.resolve(value),
  /** A function that was made for this call. */
  make: (value: unknown) => () => value,
  /** Calls a function of the guest's, and waits for it. */
  call: async (fn: AnyFunction, ...args: readonly unknown[]) => fn(...args),
  /** Calls a function of the guest's, and does not look at what comes of it. */
  fire: (fn: AnyFunction, ...args: readonly unknown[]) => {
    void fn(...args)
    return true
  },
  /** What a host does that writes a log. */
  log: (...args: readonly unknown[]) => {
    for (const arg of args) {
      quietly(() => JSON.stringify(arg))
      quietly(() => String(arg))
      quietly(() => (arg as number) + 1)
      quietly(() => Object.entries(arg as object))
    }
    return args.length
  },
  /** A promise that is settled in a later turn. */
  soon: async (value: unknown) => {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    return value
  },
  never: () => new Promise(() => undefined),
  /** Keeps the guest waiting, by the clock. */
  busy: (ms: number, value: unknown) => {
    const until = performance.now() + ms
    while (performance.now() < until);
    return value
  },
  /** An async iterable. */
  list: (length: number) => listOf(length),
  /** Takes an async iterable of the guest's apart, as far as that goes. */
  drain: async (iterable: AsyncIterable<unknown>) => {
    const taken: unknown[] = []
    for await (const item of iterable) if (taken.push(item) > 20) break
    return taken
  },
  /** More than fits in the room that a realm has for answers. */
  large: (length: number) => ({ text: 'x'.repeat(length) }),
}

async function* listOf(length: number): AsyncGenerator<unknown, unknown, unknown> {
  for (let i = 0; i < length; i++) yield { i }
  return { done: 'all' }
}

function quietly(say: () => unknown): void {
  try {
    say()
  } catch {
    // Whoever logs what a guest sends has to expect it.
  }
}

/** What a naive host gives to a context besides. */
export const NODE_TIMERS = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, queueMicrotask }

/** What people give to a context of `node:vm` so that code for the web runs there. */
export const nodeWebGlobals = (): Readonly<Record<string, unknown>> => ({
  AbortController,
  AbortSignal,
  DOMException,
  Event,
  EventTarget,
  ReadableStream,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
  WritableStream,
  atob,
  btoa,
  crypto,
  performance,
  structuredClone,
})
