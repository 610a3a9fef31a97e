import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()

/** After the web-platform tests' urlsearchparams-constructor, urlencoded-parser and urlsearchparams-stringifier. */
test.each<[init: string, pairs: readonly (readonly [string, string])[], text: string]>([
  [`''`, [], ''],
  [`'?'`, [], ''],
  [`'??a=b'`, [['?a', 'b']], '%3Fa=b'],
  [
    `'a=b&a=c&a'`,
    [
      ['a', 'b'],
      ['a', 'c'],
      ['a', ''],
    ],
    'a=b&a=c&a=',
  ],
  [`'&&a&&'`, [['a', '']], 'a='],
  [`'=a'`, [['', 'a']], '=a'],
  [`'='`, [['', '']], '='],
  [`'a==b=c'`, [['a', '=b=c']], 'a=%3Db%3Dc'],
  [`'a+b=c%2Bd+'`, [['a b', 'c+d ']], 'a+b=c%2Bd+'],
  [`'%61%=%zz%'`, [['a%', '%zz%']], 'a%25=%25zz%25'],
  [`'a=%C3%A9\u00e9'`, [['a', '\u00e9\u00e9']], 'a=%C3%A9%C3%A9'],
  [`'a=%FF%C3'`, [['a', '\ufffd\ufffd']], 'a=%EF%BF%BD%EF%BF%BD'],
  [`'a=%F0%9F%92x'`, [['a', '\ufffdx']], 'a=%EF%BF%BDx'],
  [`'a=%EF%BB%BFb'`, [['a', '\ufeffb']], 'a=%EF%BB%BFb'],
  [`'a=%c2x%E2%98%83'`, [['a', '\ufffdx\u2603']], 'a=%EF%BF%BDx%E2%98%83'],
  [`'a=%00b\u0000'`, [['a', '\u0000b\u0000']], 'a=%00b%00'],
  [`'a=\ud83d\udca9'`, [['a', '\ud83d\udca9']], 'a=%F0%9F%92%A9'],
  [`'a=\ud83dx'`, [['a', '\ufffdx']], 'a=%EF%BF%BDx'],
  [
    `"a=!'()~*-._\\"&b=/?#[]"`,
    [
      ['a', `!'()~*-._"`],
      ['b', '/?#[]'],
    ],
    'a=%21%27%28%29%7E*-._%22&b=%2F%3F%23%5B%5D',
  ],
  [
    `[['a', 'b'], ['c', 1], new Set(['e', 'f'])]`,
    [
      ['a', 'b'],
      ['c', '1'],
      ['e', 'f'],
    ],
    'a=b&c=1&e=f',
  ],
  [`new Map([['a', 'b']])`, [['a', 'b']], 'a=b'],
  [
    `new URLSearchParams('a=b&a=c')`,
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
    'a=b&a=c',
  ],
  [
    `{ a: 'b', 2: null, 'c d': ['x', 'y'] }`,
    [
      ['2', 'null'],
      ['a', 'b'],
      ['c d', 'x,y'],
    ],
    '2=null&a=b&c+d=x%2Cy',
  ],
  [
    `{ 'a\ud800': 1, 'b': 2, 'a\udfff': 3 }`,
    [
      ['a\ufffd', '3'],
      ['b', '2'],
    ],
    'a%EF%BF%BD=3&b=2',
  ],
  [`Object.create({ inherited: 1 }, { hidden: { value: 1 }, own: { value: 2, enumerable: true } })`, [['own', '2']], 'own=2'],
  [`Object.assign(Object.create({ [Symbol.iterator]: null }), { a: 1 })`, [['a', '1']], 'a=1'],
  [`{ *[Symbol.iterator]() { yield ['a', 'b'] } }`, [['a', 'b']], 'a=b'],
  [`null`, [['null', '']], 'null='],
  [`undefined`, [], ''],
  [`() => {}`, [], ''],
])('%s', async (init, pairs, text) => {
  const body = `const params = new URLSearchParams(${init}); return [[...params], params + '', params.size]`
  expect(guest.value(body)).toEqual([pairs, text, pairs.length])
  expect(await valueInNode(body)).toEqual([pairs, text, pairs.length])
})

test.each<[body: string, expected: unknown]>([
  [`const p = new URLSearchParams('a=1&b=2&a=3'); p.append('a', 4); return p + ''`, 'a=1&b=2&a=3&a=4'],
  [`const p = new URLSearchParams('a=1&b=2&a=3'); p.delete('a'); return p + ''`, 'b=2'],
  [`const p = new URLSearchParams('a=1&b=2&a=3'); p.delete('a', '3'); return p + ''`, 'a=1&b=2'],
  [`const p = new URLSearchParams('a=1&a=undefined'); p.delete('a', undefined); return p + ''`, ''],
  [
    `const p = new URLSearchParams('a=1&b=2&a=3'); return [p.get('a'), p.get('c'), p.getAll('a'), p.getAll('c')]`,
    ['1', null, ['1', '3'], []],
  ],
  [`const p = new URLSearchParams('a=1&b=2'); return [p.has('a'), p.has('c'), p.has('a', '2'), p.has('a', 1)]`, [true, false, false, true]],
  [`const p = new URLSearchParams('a=1&b=2&a=3'); p.set('a', 4); p.set('c', 5); return p + ''`, 'a=4&b=2&c=5'],
  [`const p = new URLSearchParams('z=b&a=b&z=a&a=a'); p.sort(); return p + ''`, 'a=b&a=a&z=b&z=a'],
  // By code units: a surrogate pair comes before U+FB03.
  [`const p = new URLSearchParams('\ufb03&\ud83c\udf08'); p.sort(); return [...p.keys()]`, ['\ud83c\udf08', '\ufb03']],
  [
    `const p = new URLSearchParams('a=1&b=2'), seen = []; p.forEach(function (v, k, o) { seen.push([v, k, o === p, this.x]) }, { x: 7 }); return seen`,
    [
      ['1', 'a', true, 7],
      ['2', 'b', true, 7],
    ],
  ],
  [`const p = new URLSearchParams('a=1&b=2&c=3'), seen = []; p.forEach((v, k) => { seen.push(k); p.delete(k) }); return seen`, ['a', 'c']],
  [`const p = new URLSearchParams('a=1&b=2&c=3'), seen = []; for (const [k] of p) { seen.push(k); p.delete('b') } return seen`, ['a', 'c']],
  [
    `const u = new URL('http://h/?a=1&b=2&c=3'), seen = []; for (const [k] of u.searchParams) { seen.push(k); u.search = 'x=1&y=2&z=3' } return seen`,
    ['a', 'y', 'z'],
  ],
  [
    `const p = new URLSearchParams('a=1&b=2'); return [[...p.entries()], [...p.keys()], [...p.values()]]`,
    [
      [
        ['a', '1'],
        ['b', '2'],
      ],
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [`return URLSearchParams.prototype[Symbol.iterator] === URLSearchParams.prototype.entries`, true],
  [
    `const i = new URLSearchParams('a=1').keys(); return [Object.prototype.toString.call(i), i[Symbol.iterator]() === i, i.next(), i.next()]`,
    ['[object URLSearchParams Iterator]', true, { value: 'a', done: false }, { value: 'undefined', done: true }],
  ],
  [
    `return Object.getPrototypeOf(Object.getPrototypeOf(new URLSearchParams().keys())) === Object.getPrototypeOf(Object.getPrototypeOf([].keys()))`,
    true,
  ],
  [`return Object.getOwnPropertyNames(Object.getPrototypeOf(new URLSearchParams().keys()))`, ['next']],
  [`Object.getPrototypeOf(new URLSearchParams().keys()).next.call({})`, throws('TypeError')],
  [`new URLSearchParams([['a']])`, throws('TypeError')],
  [`new URLSearchParams([['a', 'b', 'c']])`, throws('TypeError')],
  [`new URLSearchParams(['ab'])`, throws('TypeError')],
  [`new URLSearchParams([1])`, throws('TypeError')],
  [`new URLSearchParams({ [Symbol.iterator]: 1 })`, throws('TypeError')],
  [`new URLSearchParams({ [Symbol('x')]: 'y' })`, throws('TypeError')],
  [`new URLSearchParams({ a: Symbol() })`, throws('TypeError')],
  [`new URLSearchParams().append('a')`, throws('TypeError')],
  [`new URLSearchParams().get()`, throws('TypeError')],
  [`new URLSearchParams().forEach(1)`, throws('TypeError')],
  [`URLSearchParams()`, throws('TypeError')],
  [`URLSearchParams.prototype.get.call({}, 'a')`, throws('TypeError')],
])('%s', async (body, expected) => {
  expect(guest.value(body)).toEqual(expected)
  expect(await valueInNode(body)).toEqual(expected)
})
