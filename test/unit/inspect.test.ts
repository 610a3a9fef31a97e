import { inspect } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { type ConsoleRealm, makeConsoleRealm } from '../support/console-realm.ts'

let realm: ConsoleRealm
beforeAll(async () => {
  realm = await makeConsoleRealm()
})

const tick = '`'

/** Expressions, one a line, whose values look as in Node. */
const AS_IN_NODE = String.raw`
1
-0
'a'
"it's"
'it\'s "q"'
'it\'s "q" ${tick}b${tick}'
'\u0000\u0008\t\n\u000b\f\r\u001b\u007f\u009f\\'
'\ud800x\udc00 \ud83d\ude00'
'x'.repeat(10001)
'x'.repeat(10003)
'line\n'.repeat(10)
['line\nmore line more line more\n'.repeat(4)]
({a:'line\nmore line more line more\n'.repeat(4)})
10n
Symbol('x')
Symbol("it's\n")
Symbol()
Symbol.iterator
undefined
null
true
({})
[]
({a:1,b:'two',c:[1,2,3],d:{e:{f:{g:1}}}})
({'a-b':1, 'é':2, 1:3, __proto__:null})
({['__proto__']:1})
({a:{b:{c:{}}}})
({a:{b:{c:[]}}})
({a:{b:{c:new Map([[1,2]]), d:new Set, e:new Date(0), f:/x/g, g:()=>1, h:class A{}, i:[1], j: Object.create(null)}}})
[[[[1]]]]
[1,2,3,4,5,6,7,8,9,10]
Array.from({length:101},(_, i)=>i)
Array.from({length:100},(_, i)=>i)
Array.from({length:250},(_, i)=>'item'+i)
Array.from({length:30},(_, i)=>'x'.repeat(i))
Array.from({length:30},(_, i)=>i*i*i)
Array.from({length:30},(_, i)=>BigInt(i*i*i))
Array.from({length:12},(_, i)=>'日本'.repeat(i%3))
Array.from({length:12},(_, i)=>'😀'.repeat(i%3))
Array.from({length:12},(_, i)=>({i}))
Array.from({length:7},(_, i)=>[i,i])
[1.5,-2,NaN,Infinity,-0,1e100,1e-7]
[,,1,,2,,,]
(()=>{const a=[1,2];a[10]=3;a.x=1;return a})()
(()=>{const a=[];a[5000]=3;return a})()
(()=>{const a=new Array(3);return a})()
(()=>{const a=[];for(let i=0;i<150;i++)a[i*2]=i;return a})()
(()=>{const a=[];for(let i=0;i<99;i++)a[i]=i; a[500]=1;return a})()
(()=>{const a=[];for(let i=0;i<100;i++)a[i]=i; a[500]=1;return a})()
(()=>{const a=[1,2,3];a.foo='bar';a[Symbol('s')]=1;return a})()
(()=>{const a=[1,2,3,4,5,6,7,8];a.foo='bar';return a})()
(()=>{const a=Array.from({length:105},(_, i)=>i);a.foo='bar';return a})()
/a(b)c/.exec('abc')
new Map([['a',1],[{b:1},new Map([[1,2]])]])
new Map()
new Map(Array.from({length:120},(_, i)=>[i,i]))
new Set([1,'a',{b:2},[3]])
new Set(Array.from({length:120},(_, i)=>i))
Object.assign(new Map([[1,2]]),{x:1})
Object.assign(new Set([1,2]),{x:1})
new Date(0)
new Date(NaN)
Object.assign(new Date(0),{x:1})
/x\/y/giu
new RegExp('')
Object.assign(/x/g,{x:1})
new Uint8Array(3)
new Uint8Array(0)
new Float64Array([1.5,-0,NaN])
new BigInt64Array([1n,-2n])
new Uint8Array(150)
Object.assign(new Uint8Array(2),{x:1})
new ArrayBuffer(8)
new ArrayBuffer(120)
new ArrayBuffer(0)
new SharedArrayBuffer(4)
new DataView(new ArrayBuffer(4),1,2)
(()=>{const b=new ArrayBuffer(4);b.transfer();return b})()
(()=>{const b=new ArrayBuffer(4);const d=new Uint8Array(b); b.transfer();return d})()
Object.assign(new ArrayBuffer(1),{x:1})
new (class Foo{})
new (class Foo{constructor(){this.a=1}})
new (class extends Array{})(3)
new (class Foo extends Array{})(1,2)
new (class Foo extends Map{})([[1,2]])
new (class Foo extends Set{})([1])
new (class Foo extends Date{})(0)
new (class Foo extends RegExp{})('x')
new (class Foo extends Uint8Array{})(2)
new (class extends (class Base{}){})
Object.create({})
Object.create({a:1})
Object.create(null)
Object.create(Object.create(null))
Object.create(Object.create({a:1}))
Object.create(Array.prototype)
Object.create(Map.prototype)
Object.setPrototypeOf([1],null)
Object.setPrototypeOf(new Map([[1,2]]),null)
Object.setPrototypeOf(new Set([1]),null)
Object.setPrototypeOf(new Date(0),null)
Object.setPrototypeOf(/x/g,null)
Object.setPrototypeOf(function f(){},null)
Object.setPrototypeOf(class A{},null)
Object.setPrototypeOf(new Uint8Array(2),null)
Object.setPrototypeOf(new Number(2),null)
({[Symbol.toStringTag]:'T',a:1})
Object.defineProperty({},Symbol.toStringTag,{value:'T'})
new (class A{}).constructor
(()=>{class A{};A.prototype[Symbol.toStringTag]='B';return new A})()
Object.assign(Object.create(null),{a:1})
Math
JSON
Reflect
Atomics
Intl
new Intl.NumberFormat()
globalThis.Temporal && Temporal.Instant.fromEpochMilliseconds(0)
Array.prototype
Object.prototype
Function.prototype
Map.prototype
Error.prototype
RegExp.prototype
Date.prototype
Number.prototype
String.prototype
Symbol.prototype
Promise.prototype
Uint8Array.prototype
(function*(){})()
[].values()
(async function*(){})()
new WeakMap
new WeakSet
new WeakRef({})
function f(){}
()=>{}
(function(){})
async function f(){}
function* g(){}
async function* g(){}
async ()=>{}
class A{}
class A extends Map{}
class extends Map{}
class A extends null{}
(class{})
({m(){}}).m
({class(){}}).class
({classy(){}}).classy
({get x(){return 1},set y(v){},get z(){return 1},set z(v){}})
({f(){},g:()=>1,h:class{}})
Object.assign(function f(){},{x:1})
Object.assign(class A{static y=2},{x:1})
Math.max
(()=>{function f(){};f.prototype.x=1;return new f})()
(()=>{const f=function(){};Object.defineProperty(f,'name',{value:'renamed'});return f})()
Object(1)
Object('abc')
Object(true)
Object(10n)
Object(Symbol('x'))
Object.assign(Object('abc'),{x:1})
Object.assign(Object(-0),{x:1})
new (class Foo extends Number{})(3)
(function(){return arguments})(1,2)
(function(){return arguments})()
(()=>{const a={};a.a=a;return a})()
(()=>{const a={n:1};const b={a};a.b=b;a.c=[a,b];return a})()
(()=>{const a=[];a[0]=a;return a})()
(()=>{const m=new Map;m.set(m,m);return m})()
(()=>{const m=new Set;m.add(m);return m})()
(()=>{const a={};return {x:a,y:a}})()
({[Symbol('a')]:1,[Symbol.iterator]:2})
Object.defineProperty({},Symbol('h'),{value:1})
Object.defineProperty({a:1},'h',{value:1})
({a:'x'.repeat(60),b:'y'.repeat(20)})
({a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8,i:9,j:10,k:11,l:12,m:13,n:14,o:15,p:16,q:17,r:18,s:19,t:20,u:21,v:22,w:23,x:24,y:25,z:26})
({a:{b:{c:1}},d:{e:2}})
[{a:1,b:{c:2}},{a:1,b:{c:2}}]
({name:'some name',list:[{id:1,text:'first'},{id:2,text:'second'}],nested:{deep:{deeper:{deepest:1}}}})
'a'.repeat(200)
['a'.repeat(200)]
({a:['a'.repeat(70),'b'.repeat(70)]})
({a:undefined,b:null,c:NaN})
new Error('msg')
new TypeError('msg')
new Error('')
new Error('a\nb')
new Error('msg',{cause:new Error('inner')})
new Error('msg',{cause:'text'})
new Error('msg',{cause:{a:1}})
Object.assign(new Error('msg'),{code:'E',n:1})
new AggregateError([new Error('a'),new Error('b')],'many')
new AggregateError([1,2])
new (class MyError extends Error{})('x')
new (class MyError extends Error{name='MyError'})('x')
new (class MyError extends Error{constructor(m){super(m);this.name='Other'}})('x')
new (class MyErr extends TypeError{})('x')
Object.assign(new Error('x'),{name:'FooError'})
Object.assign(new Error('x'),{message:'other'})
Object.assign(new Error('x'),{stack:'custom'})
Object.assign(new Error('x'),{stack:undefined})
Object.assign(new Error('x'),{stack:''})
Object.setPrototypeOf(new Error('x'),null)
[new Error('x')]
({e:new Error('x')})
({e:{f:new Error('x', {cause: new TypeError('y')})}})
(()=>{const e=new Error('x');e.stack='Error: x\n    at foo (a.js:1:1)';return e})()
(()=>{const e=new Error('x');e.cause=e;return e})()
Object.defineProperty(new Error('x'),'message',{value:'y',enumerable:true})
(()=>{const f=()=>{return new Error('outer',{cause:(()=>new Error('in'))()})};const g=()=>f();const h=()=>g();const i=()=>h();return i()})()
[undefined,null,,true]
({a:[{b:{c:{}}}]})
[[1,2,[3,4,[5,[6]]]],{a:1}]
globalThis.Iterator && Iterator.from([1])
new (class A{#x=1;y=2;static z=3})
(()=>{class A{};class B extends A{};const b=new B;b.constructor=undefined;return b})()
(()=>{class A{};const b=new A;b.constructor='x';return b})()
(()=>{class A{};const b={};b.constructor=A;return b})()
({constructor:Object})
({constructor:{name:'x'}})
({then(){}, a: async()=>{}})
[[]]
[{}]
[[],[]]
({a:[],b:{}})
({a:{}})
[Symbol('a'),Symbol.for('b')]
({'':1,' ':2,'a b':3,$:4,_a1:5,'1a':6})
[-1,-2,-3,-4,-5,-6,-77]
['a','b','c','d','e','f','g','h']
[1,'a',2,'b',3,'c',4,'d']
Array.from({length:27},(_, i)=>'k'.repeat(i%9+1))
new Map([[[1,2],{a:1}],['x'.repeat(50),'y'.repeat(50)]])
new Map([['key',{a:{b:{c:{}}}}]])
`

const expressions = AS_IN_NODE.trim().split('\n')
const OPTIONS = [{}, { depth: -1 }, { depth: 0 }, { depth: 1 }, { depth: Infinity }]

test.each(expressions)('%s looks as in Node', (expression) => {
  const value = realm.run(`(${expression})`)
  for (const options of OPTIONS) {
    expect(realm.show(value, options)).toBe(inspect(value, { customInspect: false, ...options }))
  }
})

test.each([
  '({ a: 1, f() {} })',
  '[1, [2]]',
  'function f() {}',
  'class A { static x = 1 }',
  'new (class A { get x() { return 1 } static y = 2 })',
  'new (class B extends (class A { get x() { return 1 } }) { get y() { return 2 } })',
  'new Map([[1, { a: { b: { c: { d: {} } } } }]])',
  'new (class A extends Map { get x() { return 1 } })',
  "Object.defineProperty({ a: 1 }, 'h', { value: 1 })",
  'Object.defineProperty({}, Symbol("h"), { value: 1 })',
  'new Uint8Array(3)',
  'new DataView(new ArrayBuffer(2))',
  "Object('abc')",
  'new Date(0)',
  "new Error('x', { cause: 1 })",
  'Symbol.prototype',
])('%s looks as in Node with what is hidden', (expression) => {
  const value = realm.run(`(${expression})`)
  expect(realm.show(value, { hidden: true, depth: 4 })).toBe(inspect(value, { customInspect: false, showHidden: true, depth: 4 }))
})

test.each([
  // Nothing in the language tells what is in these.
  ['Promise.resolve(1)', 'Promise { <state unknown> }'],
  ['new WeakMap', 'WeakMap { <items unknown> }'],
  ['new Map([[1, 2]]).entries()', 'Object [Map Iterator] {}'],
  ['new Set([1]).values()', 'Object [Set Iterator] {}'],
  // Nothing tells a Proxy from an object, unless it is revoked.
  ['new Proxy({ a: 1 }, {})', '{ a: 1 }'],
  ['new Proxy([1], {})', '[ 1 ]'],
  ['new Proxy(class A {}, {})', '[Function: A]'],
  ['new Proxy(new Map([[1, 2]]), {})', 'Map {}'],
  ['(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return [proxy] })()', '[ <Revoked Proxy> ]'],
  ['(() => { const { proxy, revoke } = Proxy.revocable(() => {}, {}); revoke(); return proxy })()', '<Revoked Proxy>'],
  // No getter runs, not even for a headline.
  ['new (class A { get [Symbol.toStringTag]() { throw 1 } })', 'A {}'],
  ['new (class A { static get name() { throw 1 } })', '{}'],
  ['class A { static get name() { throw 1 } }', '[class (anonymous)]'],
  ["Object.defineProperty(new Error('x'), 'stack', { get() { throw 1 } })", '[Error: x]'],
  [
    "Object.defineProperties(new Error('x'), { message: { get() { throw 1 } }, cause: { get() { throw 2 } }, stack: { value: 'Error: x' } })",
    '[Error: x] { [cause]: [Getter] }',
  ],
  ['new (class A { static [Symbol.hasInstance]() { throw 1 } })', 'A {}'],
  [
    "({ [Symbol.for('nodejs.util.inspect.custom')]() { throw 1 } })",
    '{\n  Symbol(nodejs.util.inspect.custom): [Function: [nodejs.util.inspect.custom]]\n}',
  ],
  // What extends an expression is a class, too.
  ['class A extends ((Base) => Base)(Map) {}', '[class A extends Map]'],
  [
    '(() => { const buffer = new ArrayBuffer(4); const view = new DataView(buffer); buffer.transfer(); return view })()',
    'DataView {\n  [byteLength]: 0,\n  [byteOffset]: 0,\n  [buffer]: ArrayBuffer { (detached), [byteLength]: 0 }\n}',
  ],
])('%s', (expression, text) => {
  expect(realm.show(realm.run(`(${expression})`))).toBe(text)
})

/** A handler all of whose traps do the same. */
const ALL_TRAPS = `
  var all = (act) => Object.fromEntries(Reflect.ownKeys(Reflect).filter((key) => typeof key === 'string').map((key) => [key, act]))
  var only = (trap, act) => new Proxy({ a: 1 }, { [trap]: act })
  var endless = (depth) => new Proxy({}, { getPrototypeOf: () => endless(), ownKeys: () => ['a'],
    getOwnPropertyDescriptor: () => ({ value: endless(), enumerable: true, configurable: true }) })
  0`

test.each([
  ["[new Proxy({}, all(() => { throw new Error('trap') })), 1]", '[ <unreadable>, 1 ]'],
  ['new Proxy([1, 2], all(() => { throw 1 }))', '<unreadable>'],
  ['new Proxy(() => {}, all(() => { throw 1 }))', '<unreadable>'],
  ['new Proxy({}, all(() => null))', '<unreadable>'],
  ["only('ownKeys', () => { throw 1 })", '<unreadable>'],
  ["only('getPrototypeOf', () => { throw 1 })", '<unreadable>'],
  ["only('getPrototypeOf', () => Array.prototype)", 'Array { a: 1 }'],
  ["only('has', () => { throw 1 })", '{ a: 1 }'],
  ["only('get', () => { throw 1 })", '{ a: 1 }'],
  [
    "new Proxy({ a: 1, b: 2 }, { getOwnPropertyDescriptor(target, key) { if (key === 'a') throw 1; return Reflect.getOwnPropertyDescriptor(target, key) } })",
    '{ a: <unreadable>, b: 2 }',
  ],
  ["new Proxy({}, { ownKeys: () => ['a', 'b'] })", '{}'],
  // An array that claims to be longer than it is.
  [
    "new Proxy([1], { getOwnPropertyDescriptor: (target, key) => key === 'length' ? { value: 1e9, writable: true } : Reflect.getOwnPropertyDescriptor(target, key) })",
    '[ 1, <999999999 empty items> ]',
  ],
  [
    "new Proxy([1], { getOwnPropertyDescriptor: (target, key) => key === 'length' ? { value: {}, writable: true } : Reflect.getOwnPropertyDescriptor(target, key) })",
    '[]',
  ],
  [
    'endless()',
    'Object <Object <Object <Object <Complex prototype>>>> {\n' +
      '  a: Object <Object <Object <Complex prototype>>> {\n' +
      '    a: Object <Object <Complex prototype>> {\n' +
      '      a: [Object <Complex prototype>]\n' +
      '    }\n' +
      '  }\n' +
      '}',
  ],
])('%s is shown without an error', (expression, text) => {
  realm.run(ALL_TRAPS)
  expect(realm.show(realm.run(`(${expression})`))).toBe(text)
})

test('the named properties of what has very many items are not looked for', () => {
  const shown = (count: number): boolean =>
    realm.show(realm.run(`Object.assign(new Array(${count}).fill(0), { named: 1 })`)).includes('named')
  expect([shown(10_000), shown(10_001)]).toEqual([true, false])
})

/** What is cut is counted, but not made: 64 Ki of text, and as much again and more for the indentation of very deep objects. */
const MOST_TEXT = 2 ** 18

test.each([
  ['a long string', "'x'.repeat(1e7)"],
  ['many strings', "Array.from({ length: 100 }, () => 'x'.repeat(1e4))"],
  ['many properties', 'Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`k${i}`, i]))'],
  ['a long name of a property', "({ ['x'.repeat(1e7)]: 1 })"],
  ['a long name of a class', "new (Object.defineProperty(class {}, 'name', { value: 'x'.repeat(1e7) }))"],
  ['a long name of a function', "Object.defineProperty(() => {}, 'name', { value: 'x'.repeat(1e7) })"],
  ['a long tag', "({ __proto__: { [Symbol.toStringTag]: 'x'.repeat(1e7) } })"],
  ['a long symbol', "[Symbol('x'.repeat(1e7))]"],
  ['a long message', "new Error('x'.repeat(1e7))"],
  ['a long stack', "Object.assign(new Error('x'), { stack: 'Error: x\\n    at f'.repeat(1e6) })"],
  ['a long regular expression', "new RegExp('x'.repeat(1e6))"],
  ['a tree', '(() => { let a = []; for (let i = 0; i < 8; i++) a = new Array(100).fill(a); return a })()'],
  ['a chain', '(() => { let a = {}; for (let i = 0; i < 1e5; i++) a = { a }; return a })()'],
  ['many empty objects', 'Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({}))))'],
  ['an endless Proxy', 'endless()'],
  [
    'a Proxy of many keys',
    'new Proxy({}, { ownKeys: () => Array.from({ length: 1e5 }, (_, i) => `k${i}`), getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }) })',
  ],
])('%s makes little text', (_, expression) => {
  realm.run(ALL_TRAPS)
  for (const options of [{}, { depth: Infinity }, { depth: Infinity, hidden: true }]) {
    expect(realm.show(realm.run(`(${expression})`), options).length).toBeLessThan(MOST_TEXT)
  }
})

test('a tree of Proxies without end is looked at a bounded number of times', () => {
  const value = realm.run(`
    var looks = 0
    var names = Array.from({ length: 1000 }, (_, i) => 'k' + i)
    var node = () => new Proxy({}, { ownKeys() { looks++; return names },
      getOwnPropertyDescriptor: () => ({ value: node(), enumerable: true, configurable: true }) })
    node()`)
  realm.show(value, { depth: Infinity })
  // Two ownKeys for each of at most 32,776 objects: one for names, one for symbols.
  expect(realm.run('looks')).toBeLessThan(65_552)
})
