import { attack, reachingMoat } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'
import { FIND_F } from '../support/foreign.ts'

const TELL = 'const tell = function () { judge(this); judge(arguments); judge(new Error()); return this };'

describeEscapes('thrown values', [
  attack(
    'getters on a thrown object',
    'contained',
    `{ ${TELL} const thrown = {}; for (const name of ['message', 'stack', 'name', 'cause',
      'code', 'errors', 'constructor', 'toString', 'then'])
    Object.defineProperty(thrown, name, { get: tell, enumerable: true }); globalThis.thrown = thrown } throw judge(thrown)`,
    'Promise.reject(thrown)',
    { get: 'thrown' },
  ),
  attack(
    'getters on a thrown error',
    'contained',
    `{ ${TELL} const thrown = new TypeError('m'); for (const name of ['message', 'stack',
      'name', 'cause', 'code', 'constructor', 'toString'])
    Object.defineProperty(thrown, name, { get: tell, enumerable: true }); globalThis.thrown = thrown } throw judge(thrown)`,
    'Promise.reject(thrown)',
    '(async () => { await 0; throw thrown })()',
  ),
  attack(
    'methods on a thrown object that a printer calls',
    'escapes',
    `
    throw { message: { split(separator) { judge(arguments); return judge([]) } }, toString() { judge(arguments); return 'x' },
      [Symbol.for('nodejs.util.inspect.custom')]() { judge(arguments) }, own: judge({}) }`,
  ),
  attack(
    'a Proxy of an error',
    'contained',
    `
    const seen = new Proxy({}, { get: (_, trap) => (...args) => { judge(args); judge(new Error(trap)); return Reflect[trap](...args) }
      }); judge({}); throw new Proxy(new RangeError('m'), seen)`,
  ),
  attack(
    'an error with a Proxy among its prototypes',
    'contained',
    `
    const trapped = new Proxy(Error.prototype, new Proxy({}, { get: (_, trap) => (...args) => { judge(args); judge(new Error(trap));
      return Reflect[trap](...args) } }))
    judge({}); throw Object.setPrototypeOf(new Error('m'), trapped)`,
    `Promise.reject(Object.setPrototypeOf(new Error("n"),
      Object.setPrototypeOf({}, new Proxy({}, { get() { judge(arguments) }, getPrototypeOf() { judge(arguments); return null } }))))`,
  ),
  attack(
    'causes and errors that are hostile',
    'contained',
    `{ ${TELL} judge({})
    const link = (n) => n === 0 ? new Proxy(new Error('end'), { get(target, key) { judge(arguments); return Reflect.get(target, key) }
      }) : new Error('n' + n, { cause: link(n - 1) })
    const list = [link(3)]; list[Symbol.iterator] = tell; Object.defineProperty(list, 0, { get: tell })
    throw Object.assign(new AggregateError([]), { errors: list, cause: link(9) }) }`,
    'const e = new Error("self"); e.cause = e; e.errors = [e]; throw judge(e)',
  ),
  attack(
    'SuppressedError',
    'contained',
    `throw judge(new SuppressedError({ get a() { judge(this) } }, new Proxy({}, { get() {
      judge(arguments) } }), 'm'))`,
  ),
  attack(
    'things that are not errors',
    'contained',
    'throw function () { judge(arguments) }',
    'throw judge(Symbol.iterator)',
    'throw judge(Object.create(null))',
    'throw judge(class {})',
    'throw judge(new WeakMap())',
    'throw null',
    'throw judge({ then(f) { judge(f) } })',
    'throw judge(document = 1n)',
    'throw judge([new Error("in a list")])',
    'throw judge(globalThis)',
    'throw judge(Promise.reject(judge({})))',
  ),
  attack(
    'an error of the interruption’s looks',
    'escapes',
    `throw judge(Object.assign(new Error('Script execution was interrupted by \`SIGINT\`'), { code: 'OTHER', get a() { judge(this);
      judge(new Error()) }, [Symbol.for('nodejs.util.inspect.custom')](a, b, c) { judge(b); judge(c) } }))`,
    `throw judge(Object.defineProperty(new Error('x'), 'code', { get() { judge(this); judge(new Error());
      return 'ERR_SCRIPT_EXECUTION_INTERRUPTED' } }))`,
    `throw judge(new Proxy(Object.assign(new Error('x'), { code: 'ERR_SCRIPT_EXECUTION_INTERRUPTED' }), { getOwnPropertyDescriptor() {
      judge(arguments); return undefined } }))`,
  ),
  attack(
    'every error that V8 itself makes',
    'contained',
    `
    for (const bad of [() => null.x, () => undefinedName, () => 'x'.repeat(-1), () => new Array(-1), () => decodeURIComponent('%'),
      () => 1n + 1, () => BigInt(1.5), () => new RegExp('('), () => eval('('), () => Function('('),
      () => JSON.parse('{'), () => JSON.stringify(1n), () => Symbol() + '', () => new (class extends Object { constructor() {} })(),
      () => { 'use strict'; Object.freeze([]).push(1) }, () => [].reduce(0), () => new Proxy({}, null),
      () => Reflect.construct(1), () => structuredClone({}), () => new ArrayBuffer(1e300), () => Object.defineProperty(1),
      () => ({}).x.y, () => { for (const x of 1); }, () => new Intl.NumberFormat('x-'), () => Temporal.Now.instant(1).foo(),
      () => new Date(NaN).toISOString(), () => Atomics.wait(new Int32Array(4), 0, 0), () => ''.normalize('x'), () => (1).toFixed(200),
      () => new WeakRef(1), () => Array.from({ length: 2 ** 53 }), () => 2n ** (2n ** 40n)])
      try { judge(bad()) } catch (error) { judge(error) } 0`,
  ),
  attack(
    'a syntax error of the host’s making',
    'contained',
    '(',
    'judge([]); let twice; let twice',
    'import x from "y"',
    'export {}',
    'await 1',
    'import.meta',
    'const judge2 = judge; 0',
    'const judge2 = 1; 0',
    'judge2([]); 0',
  ),
  attack(
    'rejections that nobody handles',
    'escapes',
    `
    Promise.reject({ [Symbol.for('nodejs.util.inspect.custom')]() { judge(arguments) }, get stack() { judge(this); judge(new Error()) },
      own: judge([]) }); 0`,
    `new Promise((resolve, reject) => reject(Object.defineProperty(new Error('m'), 'stack', { get() { judge(this); judge(new Error());
      return { split() { judge(arguments) } } } }))); 0`,
    '0',
  ),
  attack(
    'rejections handled late, or twice',
    'contained',
    `var p = Promise.reject(new Proxy({}, { get() { judge(arguments) },
      getPrototypeOf() { judge(arguments); return null } })); judge([]); 0`,
    'p.catch(judge); 0',
    'new Promise((resolve, reject) => { judge([resolve, reject]); resolve(1); reject({}); resolve(p); throw {} })',
    'new Promise((resolve, reject) => { reject({ get then() { judge(this) } }); reject(1) })',
  ),
  attack(
    'a throw while a throw is read',
    'contained',
    `
    const error = new Error('outer'); Object.defineProperty(error, 'message', { get() { throw new Proxy(error, { get(...args) {
      judge(args); throw judge(new Error('inner')) } }) } }); judge([]); throw error`,
    `throw { get message() { throw this }, get name() { throw judge(this) }, get stack() { throw { toString: judge } }, f() {} }`,
  ),
  reachingMoat(
    'an error of another realm, thrown on',
    'escapes',
    `var F; ${FIND_F}`,
    `var foreign = F && F('return new TypeError("foreign")')();
      judge(foreign ?? []); throw foreign ?? 0`,
    `Promise.reject(foreign)`,
    `({ get a() { throw foreign } })`,
    `throw F ? F('return Object.assign(new Error(), { code: "ERR_OTHER" })')() : 0`,
  ),
])
