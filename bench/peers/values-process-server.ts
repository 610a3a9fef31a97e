/** The other process of the structured clones: what comes in goes through a function of a context, and out again. argv: the path to listen on. */
import { createServer } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import vm from 'node:vm'
import { COUNT_ON } from '../sample-values.ts'
import { messagesOf, sent } from './value-frames.ts'

const context = vm.createContext(vm.constants.DONT_CONTEXTIFY)
const countOn = vm.runInContext(COUNT_ON, context) as (value: unknown) => unknown

const server = createServer((socket) => {
  messagesOf(socket, (bytes) => sent(socket, serialize(countOn(deserialize(bytes)))))
  socket.on('error', () => socket.destroy())
})
server.listen(process.argv[2], () => process.send?.('listening'))
process.on('disconnect', () => process.exit())
