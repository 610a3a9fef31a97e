// Two contexts: each has globals and built-ins of its own, and what one does to them, the other does not see.
import { connect } from 'glovebox'

await using box = await connect()
await using first = await box.createContext({ name: 'first' })
await using second = await box.createContext({ name: 'second' })

await first.run(`
  var count = 0
  Array.prototype.last = function () { return this.at(-1) }
  count += [1, 2, 3].last()
`)
await second.run('var count = 100')

console.log(await first.run('`${name}: ${count}`')) // first: 3
console.log(await second.run('`${name}: ${count}`')) // second: 100
console.log(await second.run('typeof [].last')) // undefined
console.log(typeof [].last) // undefined
