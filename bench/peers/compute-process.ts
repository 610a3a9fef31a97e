import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Contender, Session } from '../contender.ts'
import { computing } from './computing.ts'

/** What a source gave, or what it threw. */
export type Computed = { readonly value: unknown } | { readonly error: string }

/** Plain Node in a process of its own, which is asked over Node's IPC: what it costs that the work is done elsewhere, whoever does it. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const child = fork(new URL('./compute-process-child.ts', import.meta.url))
  const evaluate = async (source: string): Promise<unknown> => {
    const answer = once(child, 'message')
    child.send(source)
    const [computed] = (await answer) as [Computed]
    if ('error' in computed) throw new Error(computed.error)
    return computed.value
  }
  return computing(settings, evaluate, async () => {
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  })
}
