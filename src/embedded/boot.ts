import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { cachedDataOf, daemonText, type DaemonProgram } from '../base/code-cache.ts'

// Starts the embedded daemon from its code cache, which the build makes of one that has served a client: Node alone would read, parse and compile all of it at each start.
const program = new URL('./embedded-program.cjs', import.meta.url)
const text = readFileSync(program, 'latin1')
const filename = fileURLToPath(program)
const script = new vm.Script(daemonText(text), {
  filename,
  cachedData: cachedDataOf(text, readFileSync(new URL('./embedded-program.cache', import.meta.url))),
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
const start = script.runInThisContext() as DaemonProgram
start(createRequire(program), program.href)
