// A tool-calling agent: the model writes code against your functions, and gets back result, error and logs as plain data.
import { createExecutor } from 'glovebox/agent'

const orders = [
  { id: 1, customer: 'Ada', total: 40 },
  { id: 2, customer: 'Grace', total: 25 },
  { id: 3, customer: 'Ada', total: 60 },
]
const tools = {
  shop: {
    orders: async ({ customer }) => orders.filter((order) => order.customer === customer),
    refund: async ({ id }) => `refunded ${id}`,
  },
}

/** What a model might have written, turn by turn. */
const turns = [
  `const list = await shop.orders({ customer: 'Ada' })
   console.log(list.length, 'orders')
   return list.reduce((sum, { total }) => sum + total, 0)`,
  `async () => Promise.all((await shop.orders({ customer: 'Ada' })).map(shop.refund))`,
  `const order = (await shop.orders({ customer: 'Alan' }))[0]
   return order.total`,
  `while (true) await shop.orders({ customer: 'Ada' })`,
]

const executor = createExecutor({ timeout: 1_000 })
for (const code of turns) {
  const { result, error, logs } = await executor.execute(code, tools)
  console.log(JSON.stringify({ result, error: error && [error.name, error.code, error.stack?.split('\n')[1].trim()], logs }))
}
