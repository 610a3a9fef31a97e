#!/usr/bin/env node
// The version is looked at before anything is loaded that an older Node cannot parse.
const NEEDED_MAJOR = 26

if (Number.parseInt(process.versions.node, 10) < NEEDED_MAJOR) {
  process.stderr.write(`glovebox: the command needs Node ${NEEDED_MAJOR} or later; this is ${process.version}\n`)
  process.exitCode = 70
} else {
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv)
}
