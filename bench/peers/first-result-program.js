/** A program whose first line uses the library. With a parent that it can talk to, it waits for a word once it has loaded. */
import { connect } from '../../dist/client/index.js'

async function firstResult() {
  const box = await connect()
  const result = await box.run('1 + 1')
  process.send?.(result)
  if (result !== 2) throw new Error(`the first result is ${String(result)}`)
  const { daemon } = await box.status()
  if (daemon.uptimeMs > process.uptime() * 1_000) throw new Error(`a daemon of this machine answered at ${daemon.socket}: stop it first`)
  await box.dispose()
  if (process.connected) process.disconnect()
}

if (process.send === undefined) await firstResult()
else {
  process.once('message', () => void firstResult())
  process.send('ready')
}
