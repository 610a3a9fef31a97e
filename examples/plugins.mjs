// Plugins as ES modules: each in a context of its own, with modules that the host lends it, and nothing else to import.
import { connect } from 'glovebox'

const lent = {
  'host/text': 'export const title = (text) => text[0].toUpperCase() + text.slice(1)',
  'host/units.json': '{ "km": 1.609344 }',
}
const plugins = {
  greeter: `import { title } from 'host/text'
            export const name = 'Greeter'
            export default (who) => 'Hello, ' + title(who) + '!'`,
  miles: `import units from 'host/units.json' with { type: 'json' }
          export const name = 'Miles'
          export default (km) => (km / units.km).toFixed(1) + ' mi'`,
  nosy: `import { readFile } from 'node:fs/promises'
         export default () => readFile('/etc/passwd')`,
  lazy: 'export const name = await new Promise(() => {})',
}

await using box = await connect()
for (const [key, argument] of [['greeter', 'ada'], ['miles', 42.195], ['nosy'], ['lazy']]) {
  await using ctx = await box.createContext()
  try {
    const plugin = await ctx.import(key, { modules: (specifier) => lent[specifier] ?? plugins[specifier], timeout: 200 })
    console.log('%s: %s', plugin.name, await plugin.default(argument))
  } catch (error) {
    console.log(`${key} was refused: ${error.code}`)
  }
}
