import { attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

describeEscapes('results and promises', [
  attack(
    'an array whose map() is the guest’s',
    'escapes',
    'const rows = [1]; rows.map = function (f) { judge(f); judge(arguments) }; judge([]); rows',
  ),
  attack(
    'an iterator that is asked for values',
    'contained',
    `
    ({ [Symbol.iterator]() { judge(arguments); return { next() { judge(arguments); judge(this); return { done: true } }, return() {
      judge(arguments) } } } , own: judge({}) })`,
  ),
  attack(
    'a thenable',
    'escapes',
    '({ then(resolve, reject) { judge(resolve); judge(reject); judge(arguments); judge(this); resolve(1) } })',
  ),
  attack(
    'a thenable whose then is a Proxy',
    'escapes',
    `
    ({ then: new Proxy(function () {}, { apply(target, self, args) { judge(args); judge(self); args[0](1) } }) })`,
  ),
  attack(
    'a thenable that settles in a later run',
    'escapes',
    { run: '({ then(resolve, reject) { globalThis.late = [resolve, reject] } })', timeout: 300 },
    `
    judge(late); late[0]({ get then() { judge(this); judge(arguments); judge(new Error()) } }); late[1](new Proxy({}, { get(...args) {
      judge(args) } })); 0`,
    'judge(late); 0',
  ),
  attack(
    'a then that is another thing each time it is read',
    'contained',
    `
    let reads = 0; ({ get then() { judge(arguments); return reads++ === 0 ? undefined : (resolve) => { judge(resolve); resolve(reads) }
      }, a: judge({}) })`,
  ),
  attack(
    'a promise with a then of its own',
    'escapes',
    `
    const promise = Promise.resolve(1); promise.then = function (f, r) { judge(f); judge(r); judge(this); f?.(1) }; judge({}); promise`,
  ),
  attack(
    'a promise whose constructor is the guest’s',
    'contained',
    `
    const promise = Promise.resolve(1); promise.constructor = function (executor) { judge(executor); judge(new.target); executor(() => 0,
      () => 0) }; judge({}); promise`,
  ),
  attack(
    'a promise whose constructor is a Proxy',
    'contained',
    `
    const promise = Promise.resolve({}); promise.constructor = new Proxy(Promise, { get(...args) { judge(args);
      return Reflect.get(...args) },
      construct(target, args, newTarget) { judge(args); judge(newTarget); return Reflect.construct(target, args, newTarget) } });
      judge({}); promise`,
  ),
  attack(
    'a subclass of Promise with species',
    'contained',
    `
    class Sub extends Promise { static get [Symbol.species]() { judge(this); return function (executor) { judge(executor);
      executor(judge, judge) } } } judge({}); Sub.resolve({})`,
  ),
  attack(
    'Promise.prototype.then replaced',
    'escapes',
    `
    const { then } = Promise.prototype; Promise.prototype.then = function (f, r) { judge(f); judge(r); judge(this);
      return then.call(this, f, r) }; judge({})
    Promise.resolve({})`,
    '(async () => ({}))()',
    'judge([]); 0',
  ),
  attack(
    'Promise.resolve, Promise.reject and the constructor replaced',
    'contained',
    `
    for (const name of ['resolve', 'reject']) { const own = Promise[name]; Promise[name] = function () { judge(this); judge(arguments);
      return own.apply(this, arguments) } }
    Promise = new Proxy(Promise, { construct(target, args, newTarget) { judge(args); judge(newTarget); return Reflect.construct(target,
      args, newTarget) } }); judge({}); 0`,
    'import("x")',
    '({ then(f) { f({}) } })',
    '(async () => { throw {} })()',
  ),
  attack(
    'a rejection that the host reads',
    'escapes',
    `
    (async () => { throw new Proxy(function () {}, { get(target, key) { judge(arguments);
      return key === 'map' || key === Symbol.for('nodejs.util.inspect.custom') ? judge : Reflect.get(target, key) } }) })()`,
    `Promise.reject({ [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { judge(options); judge(inspect) },
      a: judge({}) })`,
  ),
  attack(
    'a promise of a promise of a thenable',
    'contained',
    `
    Promise.resolve(1).then(() => ({ then(f) { judge(f); f(new Promise((g) => { judge(g); g({ then(h) { judge(h); h({}) } }) })) } }))`,
  ),
  attack(
    'async generators, finished by the host or not',
    'contained',
    `
    (async function* () { try { judge(yield {}) } finally { judge(new Error()) } })`,
    `
    const generator = (async function* () { try { yield judge({}) } catch (error) { judge(error) } finally { judge(new Error()) } })()
    generator.next(); generator.throw({ get then() { judge(this); judge(arguments) } }).catch(judge)`,
  ),
  attack(
    'a result that settles while another run is under way',
    'contained',
    `
    var waiting = []; var gate = new Promise((resolve) => { waiting.push(resolve); judge(resolve) }); 0`,
    `
    gate.then((value) => { judge(value) }); waiting[0]({ get then() { judge(this); judge(new Error()); return undefined } }); gate`,
    'gate',
  ),
  attack(
    'a promise from Promise.all and friends with hostile inputs',
    'contained',
    `
    const bad = (value) => ({ then(f, r) { judge(f); judge(r); judge(arguments); f(value) } })
    Promise.all([bad(1), bad({})].concat([Promise.race([bad(2)]), Promise.any([bad(3)]), Promise.allSettled([bad(4)])]))`,
  ),
])
