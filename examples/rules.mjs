// A rules engine: people write expressions, which are run over orders. A rule with a mistake, or one that never ends, harms only itself.
import { connect, GuestError, TimeoutError } from 'glovebox'

const rules = {
  'free-shipping': 'order.total >= 50 && order.country === "NZ"',
  discount: 'Math.max(...order.items.map(({ quantity }) => quantity)) >= 10 ? 0.1 : 0',
  weekend: '[0, 6].includes(order.placed.getUTCDay())',
  mistake: 'order.customer.name.length > 0',
  'never-ends': 'for (;;) order.total++',
}

const order = { total: 72.5, country: 'NZ', placed: new Date('2026-03-07T09:00:00Z'), items: [{ quantity: 2 }, { quantity: 12 }] }

await using box = await connect()
for (const [name, rule] of Object.entries(rules)) console.log(name.padEnd(14), await evaluate(name, rule))

async function evaluate(name, rule) {
  try {
    return await box.run(rule, { globals: { order }, timeout: 500, filename: `${name}.js` })
  } catch (error) {
    // The rule's author made a mistake: tell them where.
    if (error instanceof GuestError) return error.stack.split('\n', 2).join(' ').replace(/ +/g, ' ')
    if (error instanceof TimeoutError) return 'stopped after 500 ms'
    // Anything else is trouble of ours.
    throw error
  }
}
