import type { ModuleRequest } from './module-records.ts'

/** What the client says of a module: that it is this, with its source unless that was sent before, or that it cannot be had, and why. */
export type Found = readonly [
  failed: 0,
  key: string,
  format: Format,
  source: string | undefined,
  filename: string,
  meta: object | undefined,
]
export type Failed = readonly [failed: 1, error: unknown, stack: string | undefined]
export type Answered = Found | Failed
export type Format = 'module' | 'commonjs' | 'json' | 'text'

/** What a module asks for: specifier, attribute `type`, and whether the source is needed although it was sent before. */
export type Wanted = readonly [specifier: string, type: string, again: boolean]

/** The client's functions that look modules up, for a referrer's key; '' for none. */
export interface Lookups {
  readonly load: (referrer: string, wanted: readonly Wanted[]) => Promise<readonly Answered[]>
  /** The same for one, and at once. */
  readonly loadSync: (referrer: string, specifier: string, again: boolean) => Answered
}

/** A CommonJS module. */
export interface Common {
  readonly source: string
  /** What the guest has as `module`. */
  readonly module: { exports: unknown; loaded: boolean }
  isEntered: boolean
}

/** A module of this realm, by its key and type: one instance, whoever asks for it. */
export interface Entry {
  readonly key: string
  /** As stacks show it. */
  readonly name: string
  /** Who asked for it first; '' for the client. */
  readonly importer: string
  readonly type: string
  readonly lookups: Lookups
  /** By which V8 names its code. */
  readonly id: symbol
  readonly meta: object | undefined
  /** Its own, but for a module that is no ECMAScript. */
  readonly source: string | undefined
  readonly common: Common | undefined
  /** JSON and text. */
  readonly value: unknown
  /** V8's number for it; 0 as long as it is not compiled, because nobody imported it. */
  module: number
  requests: readonly ModuleRequest[] | undefined
  dependencies: readonly Entry[] | undefined
  /** What a facade calls to be filled. */
  fill: ((set: (index: number, value: unknown) => void) => void) | undefined
  isLinked: boolean
  isInstantiated: boolean
  isEvaluated: boolean
  /** It failed half-way, and the registry has forgotten it. */
  isDead: boolean
}

/** As a message says it. */
export function described({ name, importer }: { readonly name: string; readonly importer: string }): string {
  return importer === '' ? `module '${name}'` : `module '${name}', imported by '${importer}'`
}
