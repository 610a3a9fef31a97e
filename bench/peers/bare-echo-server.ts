/** The other process of the bare echo. argv: the path to listen on, bytes of a request, bytes of an answer, and what it does for each, if anything: `run` or `fresh`. */
import { createServer } from 'node:net'
import vm from 'node:vm'
import { COUNTER_SOURCE, FRESH_SOURCE } from '../work.ts'

const [path, requestBytes, answerBytes, work] = process.argv.slice(2)
const request = Number(requestBytes)
const answer = Number(answerBytes)

/** Gives the next number: by counting, by a run in a context, or by one in a fresh context. */
function counting(): () => number {
  let counter = 0
  if (work === 'run') {
    const context = vm.createContext(vm.constants.DONT_CONTEXTIFY)
    vm.runInContext('var x = 0', context)
    const script = new vm.Script(COUNTER_SOURCE)
    return () => script.runInContext(context) as number
  }
  const script = new vm.Script(FRESH_SOURCE)
  if (work === 'fresh') return () => (counter += script.runInContext(vm.createContext(vm.constants.DONT_CONTEXTIFY)) as number)
  return () => ++counter
}

const server = createServer((socket) => {
  const next = counting()
  let unread = 0
  socket.on('data', (chunk) => {
    unread += chunk.length
    const whole = Math.floor(unread / request)
    unread -= whole * request
    if (whole === 0) return
    const answers = Buffer.allocUnsafe(whole * answer)
    for (let i = 0; i < whole; i++) answers.writeUInt32LE(next(), i * answer)
    socket.write(answers)
  })
  socket.on('error', () => socket.destroy())
})
server.listen(path, () => process.send?.('listening'))
process.on('disconnect', () => process.exit())
