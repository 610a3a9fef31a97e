import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import vm from 'node:vm'
import { cacheFileOf, WORKER_NAME, type WorkerProgram, workerText } from '../src/base/code-cache.ts'

// In the place of src/worker/boot.ts, unconfined: starts the worker without caches, and writes them when told to.

const folder = join(__dirname, '../dist/worker')
const { Script } = vm
const realms: vm.Script[] = []

vm.Script = class extends Script {
  constructor(text: string, options?: vm.ScriptOptions | string) {
    super(text, options)
    if (typeof options === 'object' && options.filename === 'glovebox:realm') realms.push(this)
  }
}

const program = readFileSync(join(folder, 'worker.cjs'), 'latin1')
const script = new Script(workerText(program), { filename: WORKER_NAME })

function write(name: string, made: vm.Script | undefined): void {
  if (made === undefined) throw new Error(`there is nothing to write ${name} from`)
  writeFileSync(join(folder, name), cacheFileOf(program, made))
}

process.on('SIGUSR2', () => {
  write('worker.cache', script)
  write('realm.cache', realms[0])
  // Which whoever waits for an answer hears.
  process.exit(0)
})

const texts = readFileSync(join(folder, 'worker.texts'))
const start = script.runInThisContext() as WorkerProgram
start(createRequire(join(folder, 'worker.cjs')), undefined, (from, to) => texts.toString('utf8', from, to))
