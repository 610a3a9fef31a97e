// A context that comes back when its worker dies: `node examples/restore.mjs`
import { connect } from 'glovebox'

await using box = await connect()
await using ctx = await box.createContext({ greeting: 'hello' }, { restore: 'setup', setup: 'var greeted = 0' })
ctx.on('restored', () => console.log('made again'))

console.log(await ctx.run('`${greeting} ${++greeted}`'), await ctx.run('++greeted'))

// Somebody ends its worker.
const { workers } = await box.status()
for (const { pid, state } of workers) if (state === 'bound') process.kill(pid, 'SIGKILL')
while ((await box.status()).workers.some(({ pid }) => workers.some((worker) => worker.state === 'bound' && worker.pid === pid)));

console.log(await ctx.run('`${greeting} ${++greeted}`'))
