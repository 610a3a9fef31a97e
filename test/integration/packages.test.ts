import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const directory = temporaryDirectory()
/** TypeScript 5, which is JavaScript, and its declarations of the language. */
const TYPESCRIPT = createRequire(new URL('../../tools/typescript5/package.json', import.meta.url)).resolve('typescript')
const LIBS = ['lib.es5.d.ts', 'lib.decorators.d.ts', 'lib.decorators.legacy.d.ts']

let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  // Not about speed.
  daemon = await testDaemon({ timeout: 30_000 })
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

/** What docs/npm-packages.md says to do: bundle, compile once, run by hash. */
async function load(entry: string, name: string, globals: Readonly<Record<string, unknown>> = {}): Promise<Context> {
  const file = join(directory.path, `${name}.js`)
  expect(await glovebox(['bundle', entry, '-o', file, '--name', name], {}).ended).toMatchObject({ code: 0, stderr: '' })
  const script = await box.compile(readFileSync(file, 'utf8'), { filename: `${name}.js` })
  expect(script.cachedData?.length).toBeGreaterThan(1_000)
  const context = await box.createContext(globals)
  expect(await context.run(script)).toBeUndefined()
  expect(script.cachedDataRejected).toBe(false)
  return context
}

test.each<[entry: string, name: string, job: string, result: unknown]>([
  [
    'lodash',
    'lodash',
    `const orders = [{ city: 'Cusco', sum: 3 }, { city: 'Berlin', sum: 5 }, { city: 'Cusco', sum: 4 }]
    lodash.map(lodash.groupBy(orders, 'city'), (each, city) => [city, lodash.sumBy(each, 'sum'), lodash.camelCase('two words')])`,
    [
      ['Cusco', 7, 'twoWords'],
      ['Berlin', 5, 'twoWords'],
    ],
  ],
  [
    'marked',
    'marked',
    "marked.parse('# Hi\\n\\n- *a*\\n- `b`')",
    '<h1>Hi</h1>\n<ul>\n<li><em>a</em></li>\n<li><code>b</code></li>\n</ul>\n',
  ],
  [
    'acorn',
    'acorn',
    `const { body: [first] } = acorn.parse('let a = 1 + b', { ecmaVersion: 'latest' })
    const error = (() => { try { acorn.parse('let a b', { ecmaVersion: 2026 }) } catch ({ name, pos }) { return { name, pos } } })();
    [first.type, first.declarations[0].init.operator, error]`,
    ['VariableDeclaration', '+', { name: 'SyntaxError', pos: 6 }],
  ],
  [
    'handlebars',
    'handlebars',
    `handlebars.registerHelper('upper', (text) => text.toUpperCase())
    handlebars.compile('{{#each list}}{{upper name}} {{{html}}}{{html}};{{/each}}')({ list: [{ name: 'ada', html: '<b>' }] })`,
    'ADA <b>&lt;b&gt;;',
  ],
  [
    'zod',
    'zod',
    `const { z } = zod
    const User = z.object({ name: z.string().min(2), age: z.coerce.number().int() })
    const bad = User.safeParse({ name: 'x', age: 'old' });
    [User.parse({ name: 'Ada', age: '36', more: 1 }), bad.success, bad.error.issues.map(({ code, path }) => [code, path.join('.')])]`,
    [
      { name: 'Ada', age: 36 },
      false,
      [
        ['too_small', 'name'],
        ['invalid_type', 'age'],
      ],
    ],
  ],
  [
    'ajv',
    'ajv',
    `const validate = new ajv.default({ allErrors: true }).compile({
      type: 'object', required: ['id'], properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
    });
    [validate({ id: 1, tags: ['a'] }), validate({ tags: [1] }), validate.errors.map(({ instancePath, message }) => instancePath + ' ' + message)]`,
    [true, false, [" must have required property 'id'", '/tags/0 must be string']],
  ],
  [
    'mustache',
    'mustache',
    "mustache.default.render('{{#people}}{{name}}{{^last}}, {{/last}}{{/people}} {{{raw}}}', { people: [{ name: '<Ada>' }, { name: 'Bob', last: true }], raw: '<br>' })",
    '&lt;Ada&gt;, Bob <br>',
  ],
  [
    'dayjs',
    'dayjs',
    `const start = dayjs('2024-01-31T10:00:00');
    [start.add(1, 'month').format('YYYY-MM-DD'), dayjs('2024-03-01').diff('2024-02-01', 'day'), dayjs('nonsense').isValid()]`,
    ['2024-02-29', 29, false],
  ],
  [
    'immer',
    'immer',
    `const { produce } = immer
    const before = { list: [{ done: false }, { done: false }], other: {} }
    const after = produce(before, (draft) => { draft.list[1].done = true });
    [before.list[1].done, after.list[1].done, before.list[0] === after.list[0], before.other === after.other, Object.isFrozen(after)]`,
    [false, true, true, true, true],
  ],
])('%s', async (entry, name, job, result) => {
  await using context = await load(entry, name)
  expect(await context.run(job)).toEqual(result)
})

const CHECK = `
  const check = (text) => {
    const files = new Map([...libs, ['main.ts', text]])
    const options = { strict: true, target: ts.ScriptTarget.ES2024, lib: ['lib.es5.d.ts'], types: [] }
    const emitted = []
    const host = {
      getSourceFile: (name, version) => files.has(name) ? ts.createSourceFile(name, files.get(name), version) : undefined,
      getDefaultLibFileName: () => 'lib.es5.d.ts',
      getDefaultLibLocation: () => '',
      getCurrentDirectory: () => '',
      getCanonicalFileName: (name) => name,
      getNewLine: () => '\\n',
      useCaseSensitiveFileNames: () => true,
      fileExists: (name) => files.has(name),
      readFile: (name) => files.get(name),
      writeFile: (name, text) => emitted.push([name, text]),
    }
    const program = ts.createProgram(['main.ts'], options, host)
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, code, messageText }) => {
      const at = file === undefined ? '' : file.fileName + ':' + (file.getLineAndCharacterOfPosition(start).line + 1) + ' '
      return at + 'TS' + code + ' ' + ts.flattenDiagnosticMessageText(messageText, ' ')
    })
    program.emit()
    return { problems, emitted }
  }
  undefined`

test('the TypeScript compiler checks the types of a program, and emits it', async () => {
  const libs = new Map(LIBS.map((name) => [name, readFileSync(join(dirname(TYPESCRIPT), name), 'utf8')]))
  await using context = await load(TYPESCRIPT, 'ts', { libs })
  await context.run(CHECK)
  const good = 'interface User { readonly name: string }\nexport const greet = ({ name }: User): string => `Hello ${name}`\n'
  expect(await context.call('check', good)).toEqual({
    problems: [],
    emitted: [['main.js', 'export const greet = ({ name }) => `Hello ${name}`;\n']],
  })
  expect(await context.call('check', `${good}greet({ nam: 1 })\nlet n: number = greet({ name: 'x' }).length.x\n`)).toMatchObject({
    problems: [
      "main.ts:3 TS2561 Object literal may only specify known properties, but 'nam' does not exist in type 'User'. Did you mean to write 'name'?",
      "main.ts:4 TS2339 Property 'x' does not exist on type 'number'.",
    ],
  })
})
