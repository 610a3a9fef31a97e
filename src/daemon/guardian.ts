import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Reads '+ GROUP' and '- GROUP' lines; when they end, so has the daemon, and every group that is left is killed. */
const SCRIPT = `groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done`

/**
 * Outlives the daemon by a moment, to end what the kernel would not end with it: a sandbox that is being set up while the daemon is killed waits for ever for a parent that is gone, before it has asked
 * to die with it. One small process a daemon, which does nothing while the daemon lives.
 */
export class Guardian implements AsyncDisposable {
  #child: ChildProcess | undefined

  /** Watches a process group until the function that it returns is called, which must be before its number can be another's. */
  watch(group: number): () => void {
    // With the first, and after it: to start a process takes milliseconds, for which whoever waits for that one does not wait, too.
    if (this.#child?.pid === undefined) this.#child = start()
    // Without it the daemon runs as before. One that could not be started has no pipe.
    const { stdin } = this.#child as { readonly stdin?: Writable }
    stdin?.write(`+ ${group}\n`)
    return () => void stdin?.write(`- ${group}\n`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.ref()
    child.stdin?.end()
    await exited
  }
}

function start(): ChildProcess {
  // A session of its own: what ends the daemon's terminal must not end this first.
  const child = spawn('/bin/sh', ['-c', SCRIPT], { env: {}, detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.on('error', () => undefined)
  child.stdin?.on('error', () => undefined)
  child.unref()
  return child
}
