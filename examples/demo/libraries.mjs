import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const inRepository = (path) => new URL(`../../${path}`, import.meta.url)

/** Markdown to render. */
const DOCUMENT = ['README.md', 'ARCHITECTURE.md'].find((name) => existsSync(inRepository(name)))

/** Libraries as they come from npm, bundled by the build and run as guests. */
export async function libraries(box, narrator) {
  narrator.section('Real libraries as guests')
  await using context = await box.createContext()
  for (const name of ['lodash', 'marked', 'acorn']) {
    await narrator.step(`${name} loads`, async (see) => {
      const source = await readBuilt(`guests/${name}.js`)
      await context.run(source, { filename: `${name}.js` })
      assert.notEqual(await context.run(`typeof ${name}`), 'undefined')
      see(`${(source.length / 1024).toFixed(0)} KiB of source`)
    })
  }
  await narrator.step('lodash groups and sorts 10,000 orders', async (see) => groupOrders(context, see))
  await narrator.step(`marked renders our ${DOCUMENT}`, async (see) => renderDocument(context, see))
  await narrator.step('acorn parses all of lodash', async (see) => parseLodash(context, see))
}

async function groupOrders(context, see) {
  const cities = ['Auckland', 'Berlin', 'Cusco', 'Dakar']
  const orders = Array.from({ length: 10_000 }, (_, id) => ({ id, city: cities[id % 4], total: (id * 7919) % 1_000 }))
  await context.set('orders', orders)
  const best = await context.run(`
    const groups = lodash.groupBy(orders, 'city')
    const sums = lodash.map(groups, (orders, city) => ({ city, sum: lodash.sumBy(orders, 'total') }))
    lodash.orderBy(sums, ['sum', 'city'], ['desc', 'asc'])
  `)
  const expected = cities
    .map((city) => ({ city, sum: orders.filter((order) => order.city === city).reduce((sum, { total }) => sum + total, 0) }))
    .sort((a, b) => b.sum - a.sum || (a.city < b.city ? -1 : 1))
  assert.deepEqual(best, expected)
  see(best.map(({ city }) => city).join(' > '))
}

async function renderDocument(context, see) {
  const markdown = await readFile(inRepository(DOCUMENT), 'utf8')
  await context.set('markdown', markdown)
  const html = await context.run('marked.parse(markdown)')
  assert.match(html, /^<h1>/m)
  see(`${markdown.length} characters to ${html.length} of HTML`)
}

async function parseLodash(context, see) {
  await context.set('source', await readBuilt('guests/lodash.js'))
  const count = await context.run(`
    let count = 0
    const look = (node) => {
      if (typeof node.type === 'string') count++
      for (const child of Object.values(node)) if (child !== null && typeof child === 'object') look(child)
    }
    look(acorn.parse(source, { ecmaVersion: 'latest' }))
    count
  `)
  assert.ok(count > 10_000, `only ${count} nodes`)
  see(`${count.toLocaleString('en')} syntax nodes`)
}

async function readBuilt(path) {
  return readFile(inRepository(`build/${path}`), 'utf8')
}
