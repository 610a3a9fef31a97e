import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { cachedDataOf, daemonText, type DaemonProgram } from '../base/code-cache.ts'

// Starts the embedded daemon from its code cache, which the build makes of one that has served a client: Node alone would parse and compile all of it at each start. CommonJS, for which Node loads less.
const filename = join(__dirname, 'embedded-program.cjs')
const program = readFileSync(filename, 'latin1')
const script = new vm.Script(daemonText(program), {
  filename,
  cachedData: cachedDataOf(program, readFileSync(join(__dirname, 'embedded-program.cache'))),
  importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
const start = script.runInThisContext() as DaemonProgram
start(require, pathToFileURL(filename).href)
