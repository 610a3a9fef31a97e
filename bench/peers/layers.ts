import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../dist/client/index.js'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'

type Layers = NonNullable<Parameters<typeof startDaemonWithWorker>[2]>

/** Glovebox with some layers left out: the same runs, or the boot of a worker for each run. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const without = (settings?.['without'] ?? []) as Layers
  const boots = settings?.['boots'] === true
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const options = { socket: join(directory, 'd.sock'), logLevel: 'error', spare: boots ? 0 : 1 } as const
  const daemon = await startDaemonWithWorker(options, undefined, without)
  const box = await connect({ socket: daemon.socket })
  const context = await box.createContext({ x: 0 })
  let booted = 0
  return {
    add: boots ? async () => Number(await box.run(`${++booted}`, { fresh: 'process' })) : () => context.run(COUNTER_SOURCE),
    async [Symbol.asyncDispose]() {
      await box.dispose()
      await daemon[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
