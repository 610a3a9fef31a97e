import { type Attack, attack, ofWeb, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'
import { TAMPER } from '../support/tamper.ts'
import { WEB_USES } from '../support/web-uses.ts'

const web = (title: string, ...steps: readonly Step[]): Attack => ofWeb(attack(title, 'escapes', ...steps))
const tampered = (title: string, holders: string): Attack =>
  web(`${title}, replaced before the first touch`, TAMPER, `for (const holder of [${holders}]) tamper(holder); 0`, ...WEB_USES)

describeEscapes('web globals on spoilt prototypes', [
  tampered('Array, its prototype and its iterator', 'Object.getPrototypeOf([].values()), Array.prototype, Array'),
  tampered('Object and its prototype', 'Object.prototype, Object'),
  tampered('Promise and its prototype', 'Promise.prototype, Promise'),
  tampered('Function.prototype', 'Function.prototype'),
  tampered('Reflect', 'Reflect'),
  tampered(
    'Map, Set and the weak ones',
    '...[Map, Set, WeakMap, WeakSet, WeakRef, FinalizationRegistry].flatMap((C) => [C, C.prototype]), Object.getPrototypeOf(new Map().keys())',
  ),
  tampered('String, RegExp and Symbol', '...[String, RegExp, Symbol].flatMap((C) => [C, C.prototype])'),
  tampered(
    'buffers and typed arrays',
    '...[Uint8Array, Object.getPrototypeOf(Uint8Array), ArrayBuffer, SharedArrayBuffer, DataView].flatMap((C) => [C, C.prototype])',
  ),
  tampered('errors', '...[Error, TypeError, RangeError].flatMap((C) => [C, C.prototype])'),
  web(
    'getters and setters on Object.prototype for parts of descriptors',
    `for (const name of ['get', 'set', 'value', 'writable', 'enumerable', 'configurable', 'then', 'done', 'next', 'signal', 'host', 'use', '0', 'type', 'detail', 'size', 'highWaterMark'])
      Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get() { judge(this); return undefined }, set(value) { judge(value); judge(this)
      Reflect.defineProperty(this, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true }) } }); judge([]); 0`,
    ...WEB_USES,
  ),
  web(
    'species',
    `for (const C of [Array, Promise, RegExp, Map, Set, ArrayBuffer, Object.getPrototypeOf(Uint8Array)]) Object.defineProperty(C, Symbol.species, { __proto__: null, get() { judge(this)
      return function (...args) { judge(args); judge(new.target); args.forEach(judge); return new C(...args) } } }); judge([]); 0`,
    ...WEB_USES,
  ),
  ofWeb(
    attack(
      'eval and every global constructor replaced',
      'crashes',
      TAMPER,
      `for (const name of own.ownKeys(globalThis)) { const described = own.describe(globalThis, name)
    if (typeof described.value === 'function' && described.configurable && !['own', 'wrap', 'tamper'].includes(name))
      own.define(globalThis, name, { __proto__: null, value: wrap(described.value), configurable: true, writable: true }) } judge([]); 0`,
      ...WEB_USES,
    ),
  ),
  web(
    'prototypes spoilt between the first touch and the next',
    TAMPER,
    ...WEB_USES,
    'for (const holder of [Array.prototype, Promise.prototype, Function.prototype, Reflect, Map.prototype, Object.prototype]) tamper(holder); 0',
    ...WEB_USES,
  ),
])
