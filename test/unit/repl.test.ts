import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { coloured } from '../../src/cli/repl/colours.ts'
import { originalColumn } from '../../src/cli/repl/edits.ts'
import { rewrite } from '../../src/cli/repl/rewrite.ts'

const TRY = 'try { '
const CATCH = '} catch (error) { throw __glovebox_repl__.failed(error) }'
const SHOWING = { depth: 2, width: 80 }

test.each([
  ['6 * 7', `${TRY}__glovebox_repl__((6 * 7), 2, 80) ${CATCH}`],
  ['a; b // c', `${TRY}a; __glovebox_repl__((b), 2, 80) ${CATCH} // c`],
  ['(a, b);', `${TRY}__glovebox_repl__(((a, b)), 2, 80); ${CATCH}`],
  ['{ a: 1 }', `${TRY}__glovebox_repl__((({ a: 1 })), 2, 80) ${CATCH}`],
  ['{ a: 1 };', `${TRY}{ a: 1 }; ${CATCH}`],
  ['"use strict"; x = 1', '"use strict"; __glovebox_repl__((x = 1), 2, 80)'],
  ['let x = 1', 'let x = 1'],
  ['function f() { return await1 }', 'function f() { return await1 }'],
  ['async () => await 1', `${TRY}__glovebox_repl__((async () => await 1), 2, 80) ${CATCH}`],
  ['await x', `(async () => { ${TRY}return __glovebox_repl__((await x), 2, 80)\n${CATCH} })()`],
  ['let a = await x, b', `let a, b; (async () => { ${TRY}void ( (a = await x), (b = undefined))\n${CATCH} })()`],
  [
    'const { a, b: [c = 1], ...d } = await x',
    `let a, c, d; (async () => { ${TRY}void ( ({ a, b: [c = 1], ...d } = await x))\n${CATCH} })()`,
  ],
  ['for (var i of await x) { var y = i }', `var i, y; (async () => { ${TRY}for ( i of await x) { void ( (y = i)) }\n${CATCH} })()`],
  ['for await (const i of x) f(i)', `(async () => { ${TRY}for await (const i of x) f(i)\n${CATCH} })()`],
  ['class A {} await 0', `let A; (async () => { ${TRY}A = class A {}; return __glovebox_repl__((await 0), 2, 80)\n${CATCH} })()`],
  ['function f() {} await 0', `(async () => { ${TRY}this.f = f; function f() {} return __glovebox_repl__((await 0), 2, 80)\n${CATCH} })()`],
  ['let )', 'let )'],
])('the line %j', (typed, code) => {
  const rewritten = rewrite(typed, SHOWING)
  expect(rewritten).toMatchObject({ code })
})

test.each([
  ['function f() {', true],
  ['`a', true],
  ['/* a', true],
  ["'a\\\n", true],
  ['a +', true],
  ['[1,\n', true],
  ["'a", false],
  ['a b', false],
  ['}', false],
  ['/a', false],
])('%j goes on in the next line: %s', (typed, incomplete) => {
  expect(rewrite(typed, SHOWING) === 'incomplete').toBe(incomplete)
})

test.each([
  ['a; b.c', 6],
  ['await b.c', 9],
  ['let a = await b.c', 17],
])('a column in what became of %j', (typed, column) => {
  const rewritten = rewrite(typed, SHOWING)
  if (rewritten === 'incomplete') throw new Error('incomplete')
  const { source, code, edits } = rewritten
  const [before = ''] = code.split('b.c')
  expect(originalColumn(source, edits, 1, before.length + 'b.'.length + 1)).toBe(column)
})

test('colours of an inspected value', () => {
  const text =
    "{ a: 'it\\'s 1 [x]', null: null, b: [Function: f], c: -1n, d: Symbol(x), 1: undefined, e: [Array], x2: 2026-01-01T00:00:00.000Z }"
  const shown = coloured(text)
  expect(stripVTControlCharacters(shown)).toBe(text)
  expect(shown).toBe(
    "{ a: \x1b[32m'it\\'s 1 [x]'\x1b[39m, null: \x1b[1mnull\x1b[22m, b: \x1b[36m[Function: f]\x1b[39m, c: \x1b[33m-1n\x1b[39m, d: \x1b[32mSymbol(x)\x1b[39m, 1: \x1b[90mundefined\x1b[39m, e: \x1b[36m[Array]\x1b[39m, x2: \x1b[35m2026-01-01T00:00:00.000Z\x1b[39m }",
  )
})
