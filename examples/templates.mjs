// Templates of customers: the engine runs in the guest, data and helpers stay here.
import { readFile } from 'node:fs/promises'
import { connect } from 'glovebox'

// `glovebox bundle handlebars -o handlebars.js` makes such a file of a package. It defines the global `handlebars`.
const engine = await readFile(new URL('../build/guests/handlebars.js', import.meta.url), 'utf8')
const setup = `
  const { default: engine } = handlebars
  engine.registerHelper('price', (name) => price(name))
  const render = (template, data) => engine.compile(template)(data)
  undefined`

const prices = new Map([
  ['tea', 3.5],
  ['cake', 4.25],
])

await using box = await connect()
await using ctx = await box.createContext({ price: (name) => prices.get(name).toFixed(2) }, { limits: { timeout: 2_000 } })
await ctx.run(engine, { filename: 'handlebars.js' })
await ctx.run(setup, { filename: 'setup.js' })

for (const template of ['Dear {{who}}:{{#each items}} {{this}} {{price this}}{{/each}}', '{{#each items}}{{price "gold"}}{{/each}}']) {
  try {
    console.log(await ctx.call('render', template, { who: '<Ada>', items: ['tea', 'cake'] }))
  } catch (error) {
    console.log(`this template fails: ${error.message}`)
  }
}
