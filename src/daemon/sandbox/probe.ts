import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { errorMessage } from '../../base/error.ts'
import { createSandbox, findBubblewrap, type Sandbox } from './bubblewrap.ts'

const PROBE_TIMEOUT_MS = 10_000
/** For a Node that runs none. */
const ANY_FILE = fileURLToPath(import.meta.url)
/** Characters of bubblewrap's own words in a reason. */
const MAX_WORDS = 200

export type Probed = { readonly sandbox: Sandbox } | { readonly reason: string; readonly fix: string }

/** Starts `node` once in the sandbox, to see whether this machine lets it. Never rejects. */
export async function probeSandbox(node: string): Promise<Probed> {
  const program = findBubblewrap()
  if (program === undefined) return { reason: 'bubblewrap is not installed', fix: `Install it: ${installCommand()}.` }
  try {
    const sandbox = createSandbox(program, node)
    const failure = await tryOut(sandbox)
    return failure === undefined ? { sandbox } : explain(failure)
  } catch (error) {
    return { reason: `no sandbox could be set up: ${errorMessage(error)}`, fix: 'See the reason.' }
  }
}

/** What bubblewrap said, if Node did not start. */
async function tryOut(sandbox: Sandbox): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-probe-'))
  const path = join(directory, 'filter')
  let filter: number | undefined
  try {
    writeFileSync(path, sandbox.filter)
    filter = openSync(path, 'r')
    const command = sandbox.command([ANY_FILE], ['--version'], [], { filter: 3, status: 4 })
    const child = spawn(sandbox.program, command, {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', filter, 'pipe'],
      timeout: PROBE_TIMEOUT_MS,
    })
    let words = ''
    const [, stderr, , status] = child.stdio.slice(1) as [null, Readable, null, Readable]
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      words = (words + chunk).slice(0, MAX_WORDS)
    })
    status.resume()
    // 'close' comes when its words are read; 'error' rejects.
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return exitCode === 0 ? undefined : words.trim() || `ended with ${signal ?? exitCode}`
  } finally {
    if (filter !== undefined) closeSync(filter)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The usual causes, most specific first, each with the command that mends it. */
function explain(words: string): { readonly reason: string; readonly fix: string } {
  const said = `bubblewrap says: ${words}`
  if (readNumber('/proc/sys/kernel/unprivileged_userns_clone') === 0) {
    return { reason: `unprivileged user namespaces are switched off (${said})`, fix: 'sysctl -w kernel.unprivileged_userns_clone=1' }
  }
  if (readNumber('/proc/sys/user/max_user_namespaces') === 0) {
    return { reason: `no user namespaces are allowed (${said})`, fix: 'sysctl -w user.max_user_namespaces=15000' }
  }
  if (readNumber('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === 1) {
    return {
      reason: `AppArmor keeps unprivileged programs from making user namespaces, as Ubuntu 24.04 does (${said})`,
      fix: "Give bwrap a profile with 'userns,' in /etc/apparmor.d/bwrap and reload it, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    }
  }
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) {
    return {
      reason: `this container may not make namespaces (${said})`,
      fix: "Start it with '--security-opt seccomp=unconfined --security-opt systempaths=unconfined', or rely on L1 to L3, which hold in any container",
    }
  }
  return { reason: said, fix: "Run 'glovebox doctor' as the daemon's user and see what bwrap needs." }
}

function readNumber(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'latin1'), 10)
  } catch {
    return undefined
  }
}

function installCommand(): string {
  const managers = [
    ['/usr/bin/apt-get', 'apt-get install bubblewrap'],
    ['/usr/bin/dnf', 'dnf install bubblewrap'],
    ['/sbin/apk', 'apk add bubblewrap'],
    ['/usr/bin/pacman', 'pacman -S bubblewrap'],
  ] as const
  return managers.find(([path]) => existsSync(path))?.[1] ?? "the package is called 'bubblewrap' everywhere"
}
