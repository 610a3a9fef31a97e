// Runs a file as an attacker who owns a worker would: see --help.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const HELP = `Usage: node test/support/attack.mjs FILE [--layers L1,L2,L3,L4] [--json]

Starts a private daemon whose workers do not hold, runs FILE in the main realm of one of them, under exactly the given layers, and prints what it
evaluates or resolves to. That is where an attacker stands who has broken out of every realm and knows all of Node's inside. What still confines him are the layers
around the process. The worker is the one that ships, plus one door (test/support/attack-worker-hook.ts); no build that ships has it.

  FILE       a script (not a module), '-' for standard input. Its completion value counts; a promise is awaited.
  --layers   the layers of confinement, a comma between them. L1 (a process of its own) is always there.
             L2 Node's permission model   L3 seccomp, Landlock, rlimits   L4 namespaces (bubblewrap)   L5 a cgroup
             Default: L1,L2,L3,L4
  --json     prints { threw, value } as JSON

In scope, besides the emptied main realm:
  process, require, internalBinding, Buffer, setTimeout
  syscall(number, ...args)   a raw system call: its result, or minus errno
  at(bytesOrText)            the address of a copy, to give it; a text gets a NUL at its end
  peek(address, length)      the bytes that are there now
  daemonPid, daemonSocket    what to aim at (the numbers and paths of the host)

Exit code: 0 if the file evaluated, 1 if it threw, 2 if the worker died of it (SIGSYS: a call that kills), 3 if the layers are not to be had here.
Needs 'npm run build' first.

Examples:
  echo "require('fs').readFileSync('/etc/passwd', 'utf8')" | node test/support/attack.mjs - --layers L1
  echo "syscall(41, 2, 1, 0)" | node test/support/attack.mjs - --layers L1,L3      # x86-64: a TCP socket, -1 is EPERM
`

function usage(message) {
  console.error(`${message}\n\n${HELP}`)
  process.exit(64)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { layers: { type: 'string', default: 'L1,L2,L3,L4' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    return usage(error.message)
  }
}

const { values, positionals } = readArguments()
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const [file] = positionals
if (positionals.length !== 1) usage('attack: needs one file')
const source = readFileSync(file === '-' ? 0 : file, 'utf8')
const { attackDaemon, LAYERS } = await import('./attack-worker.ts')
const layers = values.layers.split(',')
for (const layer of layers) if (!LAYERS.includes(layer)) usage(`attack: there is no layer '${layer}'`)

try {
  await using daemon = await attackDaemon(layers)
  const { threw, text, value } = await daemon.attack(
    `const daemonPid = ${daemon.pid}, daemonSocket = ${JSON.stringify(daemon.socket)};\n${source}`,
  )
  console.log(values.json ? JSON.stringify({ threw, value }) : `${threw ? 'threw ' : ''}${text}`)
  process.exitCode = threw ? 1 : 0
} catch (error) {
  console.error(error.report === undefined ? error.message : `the worker died of it: ${error.message}`)
  process.exitCode = error.report === undefined ? 3 : 2
}
