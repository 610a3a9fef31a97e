#!/usr/bin/env node
// The version is looked at before anything is loaded that an older Node cannot parse.
const NEEDED_MAJOR = 26

if (Number.parseInt(process.versions.node, 10) < NEEDED_MAJOR) {
  const { runOnNewerNode } = await import('./newer-node.ts')
  const { exitCodeOf } = await import('./exit-codes.ts')
  process.exitCode = await runOnNewerNode(process.argv.slice(1)).catch((error: unknown) => {
    process.stderr.write(`glovebox: ${error instanceof Error ? error.message : String(error)}\n`)
    return exitCodeOf(error)
  })
} else {
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv)
}
