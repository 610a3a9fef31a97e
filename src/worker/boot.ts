import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import vm from 'node:vm'
import { cachedDataOf, WORKER_NAME, type WorkerProgram, workerText } from '../base/code-cache.ts'
import { CONTROL_FD } from '../confined/control-fd.ts'
import { STARTED_FRAME } from '../protocol/started-frame.ts'

/** What Node would do with the program itself, but with a code cache: scripts/code-caches.mjs makes both, from a worker that has served a client. Nothing here keeps texts and caches. */
function load(): [WorkerProgram, Buffer | undefined, (start: number, end: number) => string] {
  const beside = (name: string): string => join(__dirname, name)
  const program = readFileSync(beside('worker.cjs'), 'latin1')
  const cache = (name: string): Buffer | undefined => cachedDataOf(program, readFileSync(beside(name)))
  const script = new vm.Script(workerText(program), { filename: WORKER_NAME, cachedData: cache('worker.cache') })
  const texts = readFileSync(beside('worker.texts'))
  return [script.runInThisContext() as WorkerProgram, cache('realm.cache'), (start, end) => texts.toString('utf8', start, end)]
}

writeSync(CONTROL_FD, STARTED_FRAME)
const [start, realmCache, textAt] = load()
start(require, realmCache, textAt)
