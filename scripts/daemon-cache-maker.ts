import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { cacheFileOf, type DaemonProgram, daemonText } from '../src/base/code-cache.ts'

// In the place of src/embedded/boot.ts: starts the embedded daemon without a cache, and writes it when it ends.

const filename = join(__dirname, '../dist/daemon/embedded-program.cjs')
const program = readFileSync(filename, 'latin1')
const script = new vm.Script(daemonText(program), { filename, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })

process.on('exit', () => {
  writeFileSync(filename.replace(/\.cjs$/, '.cache'), cacheFileOf(program, script))
})

const start = script.runInThisContext() as DaemonProgram
start(createRequire(filename), pathToFileURL(filename).href)
