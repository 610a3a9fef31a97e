// Code that never ends: stopped at a deadline, or when you say so. The context keeps its state.
import { connect, TimeoutError } from 'glovebox'

await using box = await connect()
await using context = await box.createContext({ steps: 0 })

try {
  await context.run('for (;;) steps++', { timeout: 100 })
} catch (error) {
  if (!(error instanceof TimeoutError)) throw error
  console.log('the deadline stopped it')
}

try {
  await context.run('for (;;) steps++', { signal: AbortSignal.timeout(100) })
} catch (error) {
  if (error.name !== 'TimeoutError' || error instanceof TimeoutError) throw error
  console.log('the signal stopped it')
}

console.log('it still knows how far it came:', (await context.get('steps')) > 1_000)
console.log('and works:', await context.run('6 * 7'))
