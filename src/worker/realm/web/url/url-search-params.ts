import { apply, defineProperty, getOwnPropertyDescriptor, iterator, newList, ownKeys, slice, sort } from '../captured.ts'
import { defineInterface, isObject, requireArguments, toUSVString, visitSequence } from '../idl.ts'
import { type Pairs, parseForm, serializeForm } from './form-urlencoded.ts'
import { ENTRIES, iteratePairs, KEYS, VALUES } from './pair-iterator.ts'

/** Puts other pairs into the parameters of a URL whose query has changed. */
export let replacePairs: (params: URLSearchParams, query: string) => void
/** The parameters of a URL: `update` is told their text whenever they change. */
export let paramsOf: (query: string, update: (query: string) => void) => URLSearchParams

/** https://url.spec.whatwg.org/#interface-urlsearchparams */
export class URLSearchParams {
  #pairs: Pairs
  #update: ((query: string) => void) | undefined
  static {
    replacePairs = (params, query) => {
      params.#pairs = parseForm(query)
    }
    paramsOf = (query, update) => {
      const params = new URLSearchParams()
      params.#pairs = parseForm(query)
      params.#update = update
      return params
    }
  }

  constructor(init: unknown = '') {
    this.#pairs = isObject(init) ? pairsOf(init) : parseText(toUSVString(init))
  }

  get size(): number {
    return this.#pairs.length / 2
  }

  append(name: unknown, value: unknown): void {
    const pairs = this.#pairs
    requireArguments(arguments.length, 2, 'URLSearchParams.append')
    add(pairs, toUSVString(name), toUSVString(value))
    this.#changed()
  }

  delete(name: unknown, value: unknown = undefined): void {
    const pairs = this.#pairs
    requireArguments(arguments.length, 1, 'URLSearchParams.delete')
    const key = toUSVString(name)
    const text = value === undefined ? undefined : toUSVString(value)
    let kept = 0
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] === key && (text === undefined || pairs[i + 1] === text)) continue
      pairs[kept++] = pairs[i] as string
      pairs[kept++] = pairs[i + 1] as string
    }
    pairs.length = kept
    this.#changed()
  }

  get(name: unknown): string | null {
    const pairs = this.#pairs
    requireArguments(arguments.length, 1, 'URLSearchParams.get')
    const at = find(pairs, toUSVString(name), undefined)
    return at < 0 ? null : (pairs[at + 1] as string)
  }

  getAll(name: unknown): string[] {
    const pairs = this.#pairs
    requireArguments(arguments.length, 1, 'URLSearchParams.getAll')
    const key = toUSVString(name)
    const values: string[] = []
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] !== key) continue
      const attributes = { __proto__: null, value: pairs[i + 1], writable: true, enumerable: true, configurable: true }
      defineProperty(values, values.length, attributes as PropertyDescriptor)
    }
    return values
  }

  has(name: unknown, value: unknown = undefined): boolean {
    const pairs = this.#pairs
    requireArguments(arguments.length, 1, 'URLSearchParams.has')
    const key = toUSVString(name)
    return find(pairs, key, value === undefined ? undefined : toUSVString(value)) >= 0
  }

  set(name: unknown, value: unknown): void {
    const pairs = this.#pairs
    requireArguments(arguments.length, 2, 'URLSearchParams.set')
    const key = toUSVString(name)
    const text = toUSVString(value)
    let kept = 0
    let found = false
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] === key) {
        if (found) continue
        found = true
        pairs[i + 1] = text
      }
      pairs[kept++] = pairs[i] as string
      pairs[kept++] = pairs[i + 1] as string
    }
    pairs.length = kept
    if (!found) add(pairs, key, text)
    this.#changed()
  }

  sort(): void {
    const pairs = this.#pairs
    const entries = newList<{ readonly name: string; readonly value: string }>()
    for (let i = 0; i < pairs.length; i += 2) entries[i / 2] = { name: pairs[i] as string, value: pairs[i + 1] as string }
    // By code units, and stable, as the language compares and sorts.
    sort(entries, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    for (let i = 0; i < entries.length; i++) {
      const { name, value } = entries[i] as { readonly name: string; readonly value: string }
      pairs[2 * i] = name
      pairs[2 * i + 1] = value
    }
    this.#changed()
  }

  toString(): string {
    return serializeForm(this.#pairs)
  }

  entries(): object {
    void this.#pairs
    return iteratePairs(() => this.#pairs, ENTRIES)
  }
  forEach(callback: unknown, self: unknown = undefined): void {
    void this.#pairs
    requireArguments(arguments.length, 1, 'URLSearchParams.forEach')
    if (typeof callback !== 'function') throw new TypeError('URLSearchParams.forEach: the callback must be a function')
    // The pairs of this moment: a URL whose query is set meanwhile has others.
    for (let i = 0; i < this.#pairs.length; i += 2) apply(callback as () => unknown, self, [this.#pairs[i + 1], this.#pairs[i], this])
  }
  keys(): object {
    void this.#pairs
    return iteratePairs(() => this.#pairs, KEYS)
  }
  values(): object {
    void this.#pairs
    return iteratePairs(() => this.#pairs, VALUES)
  }

  #changed(): void {
    this.#update?.(serializeForm(this.#pairs))
  }
}

defineInterface(URLSearchParams, 'URLSearchParams')
// The same function as `entries`.
defineProperty(URLSearchParams.prototype, iterator, {
  __proto__: null,
  value: URLSearchParams.prototype.entries,
  writable: true,
  configurable: true,
} as PropertyDescriptor)

const parseText = (text: string): Pairs => parseForm(text[0] === '?' ? slice(text, 1) : text)

function pairsOf(init: object): Pairs {
  const method = (init as { readonly [iterator]?: unknown })[iterator]
  return method === undefined || method === null ? pairsOfRecord(init) : pairsOfSequence(init, method)
}

function pairsOfSequence(init: object, method: unknown): Pairs {
  const pairs = newList<string>()
  visitSequence(init, method, (item) => {
    if (!isObject(item)) throw new TypeError('URLSearchParams: each query pair must be an iterable of name and value')
    let count = 0
    visitSequence(item, (item as { readonly [iterator]?: unknown })[iterator], (part) => {
      pairs[pairs.length] = toUSVString(part)
      count++
    })
    if (count !== 2) throw new TypeError('URLSearchParams: each query pair must be an iterable of name and value')
  })
  return pairs
}

/** A record<USVString, USVString>: of keys that become the same, the last value stands in the first one's place. */
function pairsOfRecord(init: object): Pairs {
  const pairs = newList<string>()
  const keys = ownKeys(init)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as PropertyKey
    if (getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue
    const name = toUSVString(key)
    const value = toUSVString((init as Record<PropertyKey, unknown>)[key])
    const at = find(pairs, name, undefined)
    if (at < 0) add(pairs, name, value)
    else pairs[at + 1] = value
  }
  return pairs
}

function add(pairs: Pairs, name: string, value: string): void {
  pairs[pairs.length] = name
  pairs[pairs.length] = value
}

function find(pairs: Pairs, name: string, value: string | undefined): number {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name && (value === undefined || pairs[i + 1] === value)) return i
  return -1
}
