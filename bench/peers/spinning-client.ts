/** A client of another tenant, from `spin` to `stop`: a loop without an end in each worker that it may have. argv: socket, token, number of workers. */
import { connect } from '../../dist/client/index.js'

export type SpinCommand = 'spin' | 'stop'

const [socket, token, workers] = process.argv.slice(2) as [string, string, string]
await using box = await connect({ socket, token })
let spinning = 0
let begun = Promise.withResolvers<void>()
const begins = (): void => {
  if (++spinning === Number(workers)) begun.resolve()
}
const contexts = await Promise.all(Array.from({ length: Number(workers) }, () => box.createContext({ begins }, { dedicated: true })))
let enough = new AbortController()
let loops: Promise<unknown>[] = []

async function spin(): Promise<void> {
  spinning = 0
  begun = Promise.withResolvers()
  enough = new AbortController()
  const { signal } = enough
  loops = contexts.map(async (context) => context.run('begins(); for (;;);', { timeout: 60_000, signal }).catch(() => undefined))
  await begun.promise
}

async function stop(): Promise<void> {
  enough.abort()
  await Promise.all(loops)
}

process.on('message', (command: SpinCommand) => void (command === 'spin' ? spin() : stop()).then(() => process.send?.('done')))
process.send?.('ready')
await new Promise((resolve) => process.once('disconnect', resolve))
process.exit()
