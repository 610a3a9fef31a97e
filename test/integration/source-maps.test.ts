import { build, stop, transform } from 'esbuild'
import { type Box, type Context, GuestError } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await stop()
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** What is TypeScript's own here takes lines and columns that JavaScript does not have. */
const RULES = `interface Rule {
  readonly name: string
}

class RuleError extends Error {
  constructor(readonly rule: Rule, message: string) {
    super(message)
  }
}

function checkRule(rule: Rule): void {
  if (rule.name.length > 3) throw new RuleError(rule, 'too long')
}

async function checkAllRules(rules: readonly Rule[]): Promise<void> {
  for (const rule of rules) {
    await Promise.resolve()
    checkRule(rule)
  }
}

async function main(): Promise<void> {
  await checkAllRules([{ name: 'a' }, { name: 'abcd' }])
}

globalThis.later = (name: string): void => checkRule({ name })
globalThis.wrapped = (): void => {
  try {
    globalThis.later('again')
  } catch (error) {
    throw new AggregateError([error], 'wrapped', { cause: error })
  }
}
globalThis.result = main()
globalThis.result
`

const MAPPED = [
  'Error: too long',
  '    at checkRule (src/rules.ts:12:35)',
  '    at checkAllRules (src/rules.ts:18:5)',
  '    at async main (src/rules.ts:23:3)',
].join('\n')

async function compiled(options: { readonly minify?: boolean; readonly sourcemap?: 'external' | 'inline' } = {}) {
  const { code, map } = await transform(RULES, {
    loader: 'ts',
    sourcefile: 'src/rules.ts',
    target: 'es2022',
    sourcemap: 'external',
    ...options,
  })
  return { code, map }
}

async function stackOf(run: Promise<unknown>): Promise<string> {
  const error = await rejection(run)
  expect(error).toBeInstanceOf(GuestError)
  return error.stack ?? ''
}

test('TypeScript: without a map, the places of the JavaScript', async () => {
  const { code } = await compiled()
  expect(await stackOf(box.run(code, { filename: 'rules.js' }))).toBe(
    'Error: too long\n    at checkRule (rules.js:9:35)\n    at checkAllRules (rules.js:14:5)\n    at async main (rules.js:18:3)',
  )
})

test.each<[title: string, options: (map: string) => object]>([
  ['as JSON', (map) => ({ filename: 'rules.js', sourceMap: map })],
  ['as an object', (map) => ({ filename: 'rules.js', sourceMap: JSON.parse(map) as object })],
  ['of a source without a name', (map) => ({ sourceMap: map })],
  ['of a source with an empty name', (map) => ({ filename: '', sourceMap: map })],
  ['of a source with an odd name', (map) => ({ filename: 'dir (x)/rü les.js:1:1', sourceMap: map })],
  ['in a process of its own', (map) => ({ filename: 'rules.js', sourceMap: map, fresh: 'process' })],
  ['with globals', (map) => ({ filename: 'rules.js', sourceMap: map, globals: { x: 1 } })],
])('TypeScript: a map %s', async (_title, options) => {
  const { code, map } = await compiled()
  expect(await stackOf(box.run(code, options(map)))).toBe(MAPPED)
})

test('TypeScript: a map in a comment', async () => {
  const { code } = await compiled({ sourcemap: 'inline' })
  expect(code).toContain('//# sourceMappingURL=data:application/json;base64,')
  expect(await stackOf(box.run(code, { filename: 'rules.js' }))).toBe(MAPPED)
  const charset = code.replace('json;base64', 'json;charset=utf-8;base64')
  expect(await stackOf(box.run(charset, { filename: 'rules.js' }))).toBe(MAPPED)
  // The one that is given counts.
  expect(await stackOf(box.run(code, { filename: 'rules.js', sourceMap: { version: 3, sources: [], mappings: '' } }))).toContain(
    'rules.js:9:35',
  )
})

test('a map in a comment that is none is ignored', async () => {
  const stack = 'Error: x\n    at a.js:1:7'
  for (const url of ['data:application/json;base64,e30=', 'data:application/json;base64,?', 'a.js.map', 'data:', 'data:application/json,%'])
    expect(await stackOf(box.run(`throw new Error('x')\n//# sourceMappingURL=${url}`, { filename: 'a.js' }))).toBe(stack)
})

test('a minified bundle of two modules: places, and the names that the code calls', async () => {
  const files: Readonly<Record<string, string>> = {
    'main.ts': `import { parsePrice } from './price.ts'
async function priceOf(text: string): Promise<number> {
  await 0
  return parsePrice(text)
}
class Basket {
  constructor(readonly text: string) { checkBasket(this) }
}
function checkBasket(basket: Basket): void {
  if (basket.text === '') throw new TypeError('empty')
}
export async function total(texts: readonly string[]): Promise<number> {
  let sum = 0
  for (const text of texts) sum += await priceOf(text)
  return sum
}
export const basket = (text: string): Basket => new Basket(text)
`,
    'price.ts': `/** Long comments go. */
type Currency = 'EUR' | 'NZD'

export function parsePrice(text: string, currency: Currency = 'EUR'): number {
  const value = Number(text)
  if (Number.isNaN(value)) throw new RangeError('no price: ' + text + currency)
  return value
}
`,
  }
  const { outputFiles } = await build({
    entryPoints: ['main.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'shop',
    sourcemap: 'external',
    target: 'es2022',
    outfile: '/dist/shop.js',
    write: false,
    plugins: [
      {
        name: 'files',
        setup(builder) {
          builder.onResolve({ filter: /./ }, ({ path }) => ({ path: path.replace('./', ''), namespace: 'files' }))
          builder.onLoad({ filter: /./ }, ({ path }) => ({ contents: files[path] ?? '', loader: 'ts' }))
        },
      },
    ],
  })
  const code = outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? ''
  const sourceMap = outputFiles.find(({ path }) => path.endsWith('.map'))?.text ?? ''
  expect(code.trimEnd().split('\n')).toHaveLength(1)
  await using ctx = await box.createContext()
  await ctx.run(code, { filename: 'shop.js', sourceMap })
  // It is this code, which has no map, that calls `total` and `basket`: theirs stay the names that they have.
  expect(await stackOf(ctx.run("\nshop.total(['1', 'two'])", { filename: 'order.js' }))).toBe(
    `RangeError: no price: twoEUR
    at parsePrice (files:price.ts:6:34)
    at priceOf (files:main.ts:4:10)
    at async Object.g (files:main.ts:14:36)`,
  )
  expect(await stackOf(ctx.run("\n  shop.basket('')", { filename: 'order.js' }))).toBe(
    `TypeError: empty
    at checkBasket (files:main.ts:10:33)
    at new Basket (files:main.ts:7:40)
    at Object.l (files:main.ts:17:49)
    at order.js:2:8`,
  )
})

test('what is thrown later, in any way, has the map of the run that brought the code', async () => {
  const { code, map } = await compiled({ minify: true })
  await using ctx = await box.createContext()
  const heard = new Promise<Error>((resolve) => {
    ctx.on('uncaughtException', resolve)
  })
  await rejection(ctx.run(code, { filename: 'rules.js', sourceMap: map }))
  await ctx.run('function other() {\n  later("other")\n}\nsetTimeout(later, 0, "timer"); globalThis.held = later; 0', {
    filename: 'other.js',
  })
  const check = '    at checkRule (src/rules.ts:12:35)\n    at globalThis.later (src/rules.ts:26:44)'
  expect(await stackOf(ctx.run('\n\n  other()', { filename: 'main.js' }))).toBe(
    `Error: too long\n${check}\n    at other (other.js:2:3)\n    at main.js:3:3`,
  )
  expect(await stackOf(ctx.call('later', 'long'))).toBe(`Error: too long\n${check}`)
  expect(await stackOf(((await ctx.get('held')) as (name: string) => Promise<unknown>)('long'))).toBe(`Error: too long\n${check}`)
  expect((await heard).stack).toBe(`Error: too long\n${check}`)
  const wrapped = (await rejection(ctx.call('wrapped'))) as AggregateError
  const [inner, cause] = [wrapped.errors[0] as Error, wrapped.cause as Error]
  expect([wrapped.stack, inner.stack, cause.stack]).toEqual([
    'AggregateError: wrapped\n    at globalThis.wrapped (src/rules.ts:31:11)',
    `Error: too long\n${check}\n    at globalThis.wrapped (src/rules.ts:29:16)`,
    inner.stack,
  ])
})

test('the last source of a name counts; a run that fails has its own', async () => {
  const place = (line: number): object => ({ version: 3, sources: ['original.ts'], mappings: `AA${'AEIMQUYc'[line] ?? ''}A` })
  const source = (n: number): string =>
    `globalThis.f${n} = () => { throw new Error('x') }; (async () => { await ${n}; throw new Error('x') })()`
  await using ctx = await box.createContext()
  const stacks = await Promise.all([
    stackOf(ctx.run(source(1), { filename: 'a.js', sourceMap: place(1) })),
    stackOf(ctx.run(source(2), { filename: 'a.js', sourceMap: place(2) })),
    stackOf(ctx.run(source(3), { filename: 'a.js' })),
  ])
  expect(stacks.map((stack) => stack.split('\n')[1])).toEqual(['    at original.ts:3:1', '    at original.ts:5:1', '    at a.js:1:79'])
  expect(await stackOf(ctx.call('f1'))).toBe('Error: x\n    at globalThis.f1 (a.js:1:31)')
})

test('a source that does not parse: the original place and line', async () => {
  const sourceMap = { version: 3, sources: ['original.ts'], names: [], mappings: 'AAAA;AAGA,MAAQ,EAAM' }
  const source = 'let a = 1\nlet b = a +* 2'
  expect(await stackOf(box.run(source, { filename: 'a.js', sourceMap }))).toBe(
    "original.ts:4\nlet b = a +* 2\n           ^\n\nSyntaxError: Unexpected token '*'",
  )
  const sourcesContent = ['\n\n\n\tlet b: number = a +* 2']
  expect(await stackOf(box.run(source, { filename: 'a.js', sourceMap: { ...sourceMap, sourcesContent } }))).toBe(
    "original.ts:4\n\tlet b: number = a +* 2\n\t             ^\n\nSyntaxError: Unexpected token '*'",
  )
})

test('code of an eval, and what only looks like a frame, is left alone', async () => {
  const sourceMap = { version: 3, sources: ['original.ts'], mappings: 'AAAA;AACA;AACA' }
  const run = (source: string) => stackOf(box.run(source, { filename: 'a.js', sourceMap }))
  expect(await run('\neval("throw new Error(1)")')).toBe(
    'Error: 1\n    at eval (eval at <anonymous> (a.js:2:1), <anonymous>:1:7)\n    at original.ts:2:1',
  )
  expect(await run("throw new Error('quoted\\n    at f (a.js:1:1)')")).toBe('Error: quoted\n    at f (a.js:1:1)\n    at original.ts:1:1')
  expect(
    await run("throw Object.assign(new Error('x'), { stack: 'x a.js:1:1\\n    at b.js:1:1\\n    at f (a.js:1:1\\n    at (a.js:2:7)' })"),
  ).toBe('x a.js:1:1\n    at b.js:1:1\n    at f (a.js:1:1\n    at (a.js:2:7)')
})

test('a map that is none is refused at once', async () => {
  await using ctx: Context = await box.createContext()
  for (const run of [() => box.run('1', { sourceMap: '{' }), () => ctx.run('1', { sourceMap: '{' })]) {
    const error = await rejection(run())
    expect([error.code, error.message]).toEqual(['ERR_INVALID_OPTION', `option 'sourceMap' must be the JSON of a source map, got "{"`])
  }
})
