import { Worker } from 'node:worker_threads'
import type { Contender, Session } from '../contender.ts'
import { countOf, sampleValue } from '../sample-values.ts'

/** structuredClone, both ways, through the MessagePort of a worker thread with a `node:vm` context. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const value = sampleValue(settings)
  const worker = new Worker(new URL('./values-thread-worker.ts', import.meta.url))
  const waiting: ((back: unknown) => void)[] = []
  worker.on('message', (back) => waiting.shift()?.(back))
  let sent = 0
  return {
    async add() {
      value.count = sent++
      const back = new Promise<unknown>((resolve) => waiting.push(resolve))
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(value)
      return countOf(await back, value)
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}
