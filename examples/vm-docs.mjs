// The example with which Node's documentation of node:vm begins, in a process of its own. Prints 42, 17 and 1.
import { connect } from 'glovebox'

const x = 1

await using box = await connect()
await using context = await box.createContext({ x: 2 })

// `x` and `y` are globals of the context. At first, x is 2: that was given.
await context.run('x += 40; var y = 17;')

console.log(await context.get('x')) // 42
console.log(await context.get('y')) // 17
console.log(x) // 1; y is not defined
