import type { LibraryName, WebLibraries } from './libraries.ts'

const { defineProperty, getOwnPropertyDescriptor } = Reflect

/**
 * Defines the web globals but timers. Each is an accessor that the first touch, which loads its library, turns into the data property that the standard wants; an assignment does so
 * without loading it. `crypto` and `performance` stay accessors, as in the standard.
 * Returns what tells these globals, of those that are enumerable, from what the guest has put in their place.
 */
export function installWebGlobals(realmGlobal: object, libraries: WebLibraries): (name: string, described: PropertyDescriptor) => boolean {
  const enumerables = { __proto__: null } as unknown as Record<string, (described: PropertyDescriptor) => boolean>
  const lazy = <Name extends LibraryName>(
    library: Name,
    name: keyof ReturnType<typeof libraries.use<Name>> & string,
    enumerable: boolean,
  ): void => {
    const get = (): unknown => {
      const value = libraries.use(library)[name]
      // Unless the guest has deleted or replaced it, and kept the getter.
      if (getOwnPropertyDescriptor(realmGlobal, name)?.get === get) define(realmGlobal, name, value, enumerable)
      return value
    }
    const set = function (this: unknown, value: unknown): void {
      assign(realmGlobal, this, name, value, enumerable)
    }
    defineProperty(realmGlobal, name, { __proto__: null, get, set, enumerable, configurable: true } as PropertyDescriptor)
    if (enumerable)
      enumerables[name] = (now) => now.get === get || (now.get === undefined && now.value === libraries.loaded(library)?.[name])
  }
  const attribute = (name: string, attributes: PropertyDescriptor): void => {
    defineProperty(realmGlobal, name, attributes)
    enumerables[name] = (now) => now.get === attributes.get
  }
  lazy('events', 'AbortController', false)
  lazy('events', 'AbortSignal', false)
  lazy('events', 'CustomEvent', false)
  lazy('events', 'ErrorEvent', false)
  lazy('events', 'Event', false)
  lazy('events', 'EventTarget', false)
  lazy('dom-exception', 'DOMException', false)
  lazy('dom-exception', 'QuotaExceededError', false)
  lazy('encoding', 'TextDecoder', false)
  lazy('encoding', 'TextEncoder', false)
  lazy('url', 'URL', false)
  lazy('url', 'URLSearchParams', false)
  lazy('performance', 'Performance', false)
  lazy('crypto', 'Crypto', false)
  lazy('streams', 'ByteLengthQueuingStrategy', false)
  lazy('streams', 'CountQueuingStrategy', false)
  lazy('streams', 'ReadableByteStreamController', false)
  lazy('streams', 'ReadableStream', false)
  lazy('streams', 'ReadableStreamBYOBReader', false)
  lazy('streams', 'ReadableStreamBYOBRequest', false)
  lazy('streams', 'ReadableStreamDefaultController', false)
  lazy('streams', 'ReadableStreamDefaultReader', false)
  lazy('streams', 'TextDecoderStream', false)
  lazy('streams', 'TextEncoderStream', false)
  lazy('streams', 'TransformStream', false)
  lazy('streams', 'TransformStreamDefaultController', false)
  lazy('streams', 'WritableStream', false)
  lazy('streams', 'WritableStreamDefaultController', false)
  lazy('streams', 'WritableStreamDefaultWriter', false)
  lazy('base64', 'atob', true)
  lazy('base64', 'btoa', true)
  lazy('clone', 'structuredClone', true)
  attribute('crypto', cryptoAttribute(realmGlobal, libraries))
  attribute('performance', performanceAttribute(realmGlobal, libraries))
  return (name, described) => enumerables[name]?.(described) === true
}

/** https://w3c.github.io/webcrypto/#crypto-interface: read-only. */
function cryptoAttribute(realmGlobal: object, libraries: WebLibraries): PropertyDescriptor {
  const holder = {
    get crypto(): object {
      requireGlobal(realmGlobal, this)
      return libraries.use('crypto').crypto
    },
  }
  return getOwnPropertyDescriptor(holder, 'crypto') as PropertyDescriptor
}

/** https://w3c.github.io/hr-time/#dom-windoworworkerglobalscope-performance: an assignment replaces it. */
function performanceAttribute(realmGlobal: object, libraries: WebLibraries): PropertyDescriptor {
  const holder = {
    get performance(): object {
      requireGlobal(realmGlobal, this)
      return libraries.use('performance').performance
    },
    set performance(value: unknown) {
      assign(realmGlobal, this, 'performance', value, true)
    },
  }
  return getOwnPropertyDescriptor(holder, 'performance') as PropertyDescriptor
}

function requireGlobal(realmGlobal: object, self: unknown): void {
  if (self !== realmGlobal && self !== undefined && self !== null) throw new TypeError('Illegal invocation')
}

/** What an assignment does to a data property of the global object or, when `self` inherits from that, of `self`. */
function assign(realmGlobal: object, self: unknown, name: string, value: unknown, enumerable: boolean): void {
  const onGlobal = self === undefined || self === null || self === realmGlobal
  if (!define(onGlobal ? realmGlobal : self, name, value, onGlobal ? enumerable : true))
    throw new TypeError(`Cannot assign to read only property '${name}'`)
}

function define(target: object, name: string, value: unknown, enumerable: boolean): boolean {
  return defineProperty(target, name, { __proto__: null, value, writable: true, enumerable, configurable: true } as PropertyDescriptor)
}
