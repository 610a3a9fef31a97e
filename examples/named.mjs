// Two clients share a context, which outlives the first: `node examples/named.mjs`
import { connect } from 'glovebox'

await using observer = await connect()
{
  await using shop = await connect()
  const orders = await shop.createContext({ total: 0 }, { name: 'orders' })
  await orders.run('total += 30')
}
const orders = await observer.createContext({ total: 0 }, { name: 'orders' })
console.log(await orders.run('total += 12'))
await orders.dispose({ destroy: true })
