import { describe, expect, test } from 'vitest'
import { readModules } from '../../src/client/modules/given-modules.ts'
import { resolveKey } from '../../src/client/modules/module-key.ts'
import { type LookupHost, ModuleLookups, SentModules } from '../../src/client/modules/module-lookups.ts'
import { MAX_LOOKUPS, MAX_MODULE_REQUESTS, MAX_MODULES } from '../../src/protocol/limits.ts'

test.each<[specifier: string, referrer: string, key: string]>([
  ['a.mjs', '', 'a.mjs'],
  ['./a.mjs', '', 'a.mjs'],
  ['././a//b/../c.mjs', '', 'a/c.mjs'],
  ['../a.mjs', '', '../a.mjs'],
  ['./a.mjs', 'x/y/z.mjs', 'x/y/a.mjs'],
  ['../a.mjs', 'x/y/z.mjs', 'x/a.mjs'],
  ['../../../a.mjs', 'x/y/z.mjs', '../a.mjs'],
  ['../a.mjs', '../z.mjs', '../../a.mjs'],
  ['..', 'x/y/z.mjs', 'x'],
  ['.', 'x/y/z.mjs', 'x/y'],
  ['lib', 'x/y/z.mjs', 'lib'],
  ['@scope/lib/../x', 'x/y/z.mjs', '@scope/lib/../x'],
  ['.hidden', 'x/y.mjs', '.hidden'],
  ['/a/../b.mjs', 'x/y.mjs', '/b.mjs'],
  ['/../b.mjs', '', '/b.mjs'],
  ['./c.mjs', '/a/b.mjs', '/a/c.mjs'],
  ['../../../c.mjs', '/a/b.mjs', '/c.mjs'],
  ['https://e.org/a/./b?q#h', 'x', 'https://e.org/a/b?q#h'],
  ['./c', 'https://e.org/a/b?q', 'https://e.org/a/c'],
  ['/c', 'https://e.org/a/b', 'https://e.org/c'],
  ['//f.org/c', 'https://e.org/a/b', 'https://f.org/c'],
  ['c', 'https://e.org/a/b', 'c'],
  ['node:fs', 'x', 'node:fs'],
  ['./c', 'data:text/javascript,1', './c'],
  ['https://', '', 'https://'],
  ['C:\\a', '', 'C:\\a'],
  ['', 'x', ''],
])('%j from %j is %j', (specifier, referrer, key) => {
  expect(resolveKey(specifier, referrer)).toBe(key)
})

/** Lookups without a guest: what a hostile worker calls. */
describe('lookups for a hostile worker', () => {
  const host: LookupHost = {
    compile: () => Promise.reject(new Error('nothing is compiled here')),
    remember: () => undefined,
    sends: () => undefined,
  }
  const lookupsOf = (modules: Parameters<typeof readModules>[0]): ModuleLookups =>
    new ModuleLookups(readModules(modules), undefined, new SentModules(), host)
  const { load, loadSync } = lookupsOf({ a: 'A' })
  const codesOf = (answers: readonly (readonly unknown[])[]): readonly unknown[] =>
    answers.map((answer) => (answer[1] as { readonly code?: unknown }).code)

  test.each<[title: string, args: readonly [unknown, unknown]]>([
    ['nothing', [undefined, undefined]],
    ['no list', ['', { length: 1 }]],
    ['a list that is too long', ['', Array.from({ length: MAX_MODULE_REQUESTS + 1 }, () => ['a', '', false])]],
    ['requests that are none', ['', ['a']]],
    ['a specifier that is none', ['', [[{ toString: () => 'a' }, '', false]]]],
    ['a referrer that is none', [1, [['a', '', false]]]],
    ['a type that is none', ['', [['a', undefined, false]]]],
    ['a specifier that is too long', ['', [['a'.repeat(1_025), '', false]]]],
    ['a referrer that is too long', ['a'.repeat(1_025), [['a', '', false]]]],
  ])('%s is refused', async (_title, args) => {
    await expect(load(...args)).rejects.toThrow(RangeError)
  })

  test('require is refused the same', () => {
    expect(() => loadSync('', 1, false)).toThrow(RangeError)
    expect(() => loadSync(1, 'a', false)).toThrow(RangeError)
  })

  test('a source goes out once, and again when it is asked for', async () => {
    const { load: fresh } = lookupsOf({ a: 'A' })
    const found = [0, 'a', 'module', 'A', 'a', undefined]
    const known = [0, 'a', 'module', undefined, 'a', undefined]
    expect(await fresh('', [['a', '', false]])).toEqual([found])
    expect(await fresh('b', [['./a', '', false]])).toEqual([known])
    expect(await fresh('b', [['./a', '', true]])).toEqual([found])
  })

  test('sources and lookups are bounded', async () => {
    const { load: many } = lookupsOf({ a: '' })
    const again = (count: number): ReturnType<typeof load> =>
      many(
        '',
        Array.from({ length: count }, () => ['a', '', true]),
      )
    for (let i = 0; i < 2; i++) await again(MAX_MODULES)
    expect(codesOf(await again(1))).toEqual(['ERR_MODULE_LIMIT'])
    const { load: asking } = lookupsOf({})
    for (let asked = 0; asked < MAX_LOOKUPS; asked += MAX_MODULE_REQUESTS)
      await asking(
        '',
        Array.from({ length: MAX_MODULE_REQUESTS }, () => ['none', '', false]),
      )
    expect(codesOf(await asking('', [['none', '', false]]))).toEqual(['ERR_MODULE_LIMIT'])
  })

  test('names of built-ins find nothing', async () => {
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(codesOf(await load('', [[name, '', false]]))).toEqual(['ERR_MODULE_NOT_FOUND'])
  })
})
