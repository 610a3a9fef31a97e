/** The other process of the bare echo. argv: the path to listen on, bytes of a request, bytes of an answer. */
import { createServer } from 'node:net'

const [path, requestBytes, answerBytes] = process.argv.slice(2)
const request = Number(requestBytes)
const answer = Number(answerBytes)

const server = createServer((socket) => {
  let counter = 0
  let unread = 0
  socket.on('data', (chunk) => {
    unread += chunk.length
    const whole = Math.floor(unread / request)
    unread -= whole * request
    if (whole === 0) return
    const answers = Buffer.allocUnsafe(whole * answer)
    for (let i = 0; i < whole; i++) answers.writeUInt32LE(++counter, i * answer)
    socket.write(answers)
  })
  socket.on('error', () => socket.destroy())
})
server.listen(path, () => process.send?.('listening'))
process.on('disconnect', () => process.exit())
