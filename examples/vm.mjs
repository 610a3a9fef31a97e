// The example with which Node's documentation of node:vm begins, unchanged but for `await`: the code runs in a confined process. Prints 42, 17 and 1.
import vm from 'glovebox/vm'

const x = 1

const context = { x: 2 }
await vm.createContext(context)

await vm.runInContext('x += 40; var y = 17;', context)

console.log(context.x) // 42
console.log(context.y) // 17
console.log(x) // 1; y is not defined
