/** A client of its own, so that what it does weighs on no loop that is measured: has 1,000 sources compiled, and then the next 1,000, from `flood` to `stop`. */
import { connect } from '../../dist/client/index.js'

export type FloodCommand = 'flood' | 'stop'

const SOURCES = 1_000
/** 10 KB of TypeScript, as a plugin has. */
const SOURCE = 'export function f(a: number, b: { c: string }): string { return `${a + 1} ${b.c as string}` }\n'.repeat(100)

await using box = await connect({ socket: process.argv[2] as string })
let enough = new AbortController()
let flooding = Promise.resolve()
let compiled = 0

async function flood(signal: AbortSignal): Promise<void> {
  process.send?.('flooding')
  while (!signal.aborted) {
    const options = { language: 'ts', format: 'module', signal } as const
    // Those that find the queue full are refused: that is part of a flood.
    const compile = async (): Promise<unknown> => box.compile(`${SOURCE}export const n = ${compiled++}`, options).catch(() => undefined)
    await Promise.all(Array.from({ length: SOURCES }, compile))
  }
}

process.on('message', (command: FloodCommand) => {
  if (command === 'flood') {
    enough = new AbortController()
    flooding = flood(enough.signal)
    return
  }
  enough.abort()
  void flooding.then(() => process.send?.('calm'))
})
await new Promise((resolve) => process.once('disconnect', resolve))
process.exit()
