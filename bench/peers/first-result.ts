import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Contender, Session } from '../contender.ts'

const PROGRAM = fileURLToPath(new URL('./first-result-program.js', import.meta.url))

/**
 * A program that has loaded the library calls `connect()` for the first time, and runs something. Each time it is another program.
 * With `whole` in the settings all of the program counts, from its start to its end.
 */
export async function open(settings: Contender['settings']): Promise<Session> {
  let count = 0
  if (settings?.['whole'] === true)
    return {
      async add() {
        const [code] = (await once(
          spawn(process.execPath, [...process.execArgv, PROGRAM], { stdio: ['ignore', 'ignore', 'inherit'] }),
          'exit',
        )) as [number | null]
        if (code !== 0) throw new Error(`the program ended with ${code}`)
        return ++count
      },
      async [Symbol.asyncDispose]() {},
    }

  let program: ChildProcess | undefined
  let ended: Promise<unknown> | undefined
  const next = async (): Promise<void> => {
    const started = fork(PROGRAM)
    program = started
    ended = once(started, 'exit').then(([code]) => {
      if (code !== 0) throw new Error(`the program ended with ${code}`)
    })
    await heard(started, ended)
  }
  return {
    async rest() {
      // What the last one does at its end is not the next one's to wait for.
      await ended
      await next()
    },
    async add() {
      if (program === undefined || ended === undefined) throw new Error('a run before a rest')
      const answered = heard(program, ended)
      program.send('go')
      await answered
      return ++count
    },
    async [Symbol.asyncDispose]() {
      await ended
    },
  }
}

async function heard(program: ChildProcess, ended: Promise<unknown>): Promise<void> {
  await Promise.race([once(program, 'message'), ended])
}
