import * as symbols from 'happy-dom/lib/PropertySymbol.js'

/** Globals that stay the realm's own: those of the language, and those that happy-dom has but in name. */
const OWN: ReadonlySet<PropertyKey> = new Set(
  `constructor globalThis global root GLOBAL Buffer happyDOM undefined NaN Infinity eval console
  setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask structuredClone atob btoa crypto performance
  TextDecoder TextEncoder URL URLSearchParams ReadableStream WritableStream TransformStream
  PerformanceEntry PerformanceObserver PerformanceObserverEntryList`.split(/\s+/),
)

/** Methods that may be called without a `this`, which is then the global object. */
const EVENTS = ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const

/** Makes the realm's global object the window. What belongs to it is not enumerable: what is, is the guest's. */
export function becomeWindow(window: object): void {
  // The window's own is derived from it, and nothing from that: neither nodes nor the window would be instances.
  const EventTarget = Reflect.getPrototypeOf(Reflect.get(window, 'EventTarget') as object) as typeof globalThis.EventTarget
  const inherited = EventTarget.prototype as unknown as Record<PropertyKey, (...args: unknown[]) => unknown>
  Reflect.set(inherited, symbols.window, globalThis)
  Reflect.set(window, 'EventTarget', EventTarget)
  for (const key of Reflect.ownKeys(window)) {
    const described = Reflect.getOwnPropertyDescriptor(window, key)
    if (described === undefined) continue
    if (described.value === window) {
      Reflect.set(window, key, globalThis)
      described.value = globalThis
    }
    adopt(described.value, window)
    if (OWN.has(key) || isOfLanguage(key, described) || Object.hasOwn(inherited, key)) continue
    Reflect.defineProperty(globalThis, key, { ...described, enumerable: false, configurable: true })
  }
  Reflect.setPrototypeOf(globalThis, Reflect.getPrototypeOf(window))
  for (const name of EVENTS) {
    const method = inherited[name] as (...args: unknown[]) => unknown
    const value = {
      [name](this: unknown, ...args: unknown[]): unknown {
        return Reflect.apply(method, this ?? globalThis, args)
      },
    }[name]
    for (const target of [globalThis, window])
      Reflect.defineProperty(target, name, {
        __proto__: null,
        value: target === window ? method.bind(globalThis) : value,
        writable: true,
        configurable: true,
      } as PropertyDescriptor)
  }
}

/** A class of this window's finds its window through its prototype. */
function adopt(value: unknown, window: object): void {
  if (typeof value !== 'function') return
  const prototype = value.prototype as Record<symbol, unknown> | undefined
  if (prototype !== undefined && Object.hasOwn(prototype, symbols.window) && prototype[symbols.window] === window)
    prototype[symbols.window] = globalThis
}

function isOfLanguage(key: PropertyKey, described: PropertyDescriptor): boolean {
  return 'value' in described && described.value === Reflect.getOwnPropertyDescriptor(globalThis, key)?.value
}
