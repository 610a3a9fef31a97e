import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
/** Another context of the same worker, which must notice nothing. */
let bystander: Context
beforeAll(async () => {
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
  bystander = await box.createContext({ kept: 1 })
})
const undisturbed = async (): Promise<void> => {
  expect(await bystander.run('kept')).toBe(1)
  expect(await bystander.run('kept as number', { language: 'ts' })).toBe(1)
  expect((await box.status()).deaths).toEqual([])
}
afterEach(undisturbed)
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const filename = 'a.js'
/** All ways in which a source is evaluated. */
const WAYS: Readonly<Record<string, (source: string) => Promise<unknown>>> = {
  'box.run': async (source) => box.run(source, { filename }),
  'box.run in a process of its own': async (source) => box.run(source, { filename, fresh: 'process' }),
  'ctx.run': async (source) => {
    await using context = await box.createContext()
    return await context.run(source, { filename })
  },
  'box.run of TypeScript': async (source) => box.run(source, { filename, language: 'ts' }),
  'box.compile and run': async (source) => box.run(await box.compile(source, { filename })),
  'box.compile of TypeScript and run': async (source) => box.run(await box.compile(source, { filename, language: 'ts' })),
  runMany: async (source) => {
    await using context = await box.createContext()
    for await (const outcome of context.runMany(source, [0], { filename })) {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    }
    throw new Error('no outcome')
  },
}
const ways = Object.entries(WAYS)

describe.each(ways)('%s', (way, evaluate) => {
  const isTypeScript = way.includes('TypeScript')

  test.each<[title: string, source: string, value: unknown]>([
    ['nothing', '', undefined],
    ['white space', ' \t\n\r\n', undefined],
    ['a byte order mark', '\ufeff6 * 7', 42],
    ['a hashbang', '#!/usr/bin/env node\n6 * 7', 42],
    ['a NUL in a text', '"a\0b".length', 3],
    ['a NUL in a comment', '/* \0 */ 6 * 7', 42],
    ['all kinds of line ends', '1\n+ 1\r\n+ 1\r+ 1\u2028+ 1\u2029+ 1', 6],
    ['a comment of HTML', '<!-- a\n6 * 7', 42],
    ['characters outside of the basic plane', '"😀中".length', 3],
    ['a source map that is none', '6 * 7\n//# sourceMappingURL=data:application/json;base64,!!', 42],
    ['a name of its own', '6 * 7\n//# sourceURL=glovebox:worker', 42],
  ])('takes %s', async (_title, source, value) => {
    expect(await evaluate(source)).toBe(value)
  })

  test.each<[title: string, source: string, place: string]>([
    ['a syntax error', 'let a\nlet b = ;', 'a.js:2\nlet b = ;\n        ^\n'],
    ['an error at its end', 'let a\nf(', 'a.js:2\nf(\n  ^\n'],
    ['an error behind a byte order mark', '\ufefflet b = ;', 'a.js:1\n\ufefflet b = ;\n         ^\n'],
    ['an error after a hashbang', '#!/usr/bin/env node\nlet b = ;', 'a.js:2\nlet b = ;\n        ^\n'],
    ['an error after a line that ends in CR', 'let a\rlet b = ;', 'a.js:2\nlet b = ;\n        ^\n'],
    ['a NUL', 'let a\0', 'a.js:1\nlet a\0\n     ^\n'],
    ['a lone surrogate', 'let \ud800 = 1', 'a.js:1\nlet \ud800 = 1\n    ^\n'],
    ['quotation marks of a word processor', 'let s = “x”', 'a.js:1\nlet s = “x”\n        ^\n'],
    ['a hashbang in its middle', '1\n#!x', isTypeScript ? 'a.js:2\n#!x\n ^\n' : 'a.js:2\n#!x\n^\n'],
  ])('tells of %s with line and caret', async (_title, source, place) => {
    const error = await rejection(evaluate(source))
    expect([error.constructor.name, error.name]).toEqual(['GuestError', 'SyntaxError'])
    expect(error.stack?.slice(0, place.length)).toBe(place)
    // No frame of ours, and one line of message.
    expect(error.stack?.slice(place.length)).toBe(`\nSyntaxError: ${error.message}`)
  })

  test('keeps lone surrogates in texts, if it is JavaScript', async () => {
    const outcome = await evaluate('"\ud800".charCodeAt(0)').catch(({ message }: Error) => message)
    expect(outcome).toBe(isTypeScript ? 'a lone surrogate, which TypeScript sources cannot have; write it as an escape' : 0xd800)
  })

  test('refuses 50 MB', async () => {
    const error = await rejection(evaluate(' '.repeat(50_000_000)))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'LimitError',
      'ERR_SOURCE_LIMIT',
      'the source has 50000000 characters, over the limit of 16777216',
    ])
  })

  test('takes as much as the limit, if memory does', async () => {
    expect(await evaluate('7'.padStart(1 << 24))).toBe(7)
  })

  test.each<[title: string, source: string]>([
    ['brackets', '['.repeat(100_000)],
    ['functions', '()=>'.repeat(100_000)],
  ])('refuses %s that are nested too deeply', async (_title, source) => {
    const error = await rejection(evaluate(source))
    expect([error.constructor.name, error.name, error.message]).toEqual([
      'GuestError',
      'RangeError',
      'the source cannot be compiled: it is nested too deeply or too large',
    ])
  })

  test.each([undefined, null, 5, {}, ['1'], Symbol('source'), Buffer.from('1')])('refuses %o', async (source) => {
    const error = await rejection(evaluate(source as never))
    expect([error.code, error.message]).toEqual([
      'ERR_INVALID_OPTION',
      expect.stringMatching(/^option 'source' must be a string,( or a Script of box\.compile\(\),)? got /),
    ])
  })
})
