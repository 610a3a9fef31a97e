import { readFileSync } from 'node:fs'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const HANDLEBARS = readFileSync(new URL('../../build/guests/handlebars.js', import.meta.url), 'utf8')

let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  const prices = new Map([
    ['tea', 3.5],
    ['cake', 4.25],
  ])
  ctx = await box.createContext({
    helpers: {
      upper: (text: string) => text.toUpperCase(),
      price: (name: string) => {
        const price = prices.get(name)
        if (price === undefined) throw new RangeError(`no price for ${name}`)
        return price.toFixed(2)
      },
    },
  })
  await ctx.run(HANDLEBARS, { filename: 'handlebars.js' })
  await ctx.run(`
    const { default: engine } = handlebars
    for (const [name, helper] of Object.entries(helpers)) engine.registerHelper(name, (...args) => helper(...args.slice(0, -1)))
    const render = (template, data) => engine.compile(template)(data)
    0`)
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

test.each<[template: string, data: unknown, text: string]>([
  ['Hello {{upper name}}!', { name: 'ada' }, 'Hello ADA!'],
  ['{{#each items}}{{upper this}} {{price this}}; {{/each}}', { items: ['tea', 'cake'] }, 'TEA 3.50; CAKE 4.25; '],
  ['{{upper (price "tea")}} {{html}}', { html: '<b>' }, '3.50 &lt;b&gt;'],
])('handlebars renders %s with synchronous helpers of the host', async (template, data, text) => {
  expect(await ctx.call('render', template, data)).toBe(text)
})

test('what a helper throws is thrown by the template', async () => {
  const error = await rejection(ctx.call('render', '{{price "gold"}}', {}))
  expect([error.name, error.message]).toEqual(['RangeError', 'no price for gold'])
  expect(await ctx.call('render', '{{price "tea"}}', {})).toBe('3.50')
})
