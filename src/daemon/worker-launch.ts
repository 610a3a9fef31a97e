import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { HEARTBEAT_BYTES } from '../protocol/heartbeat.ts'
import { SEMI_SPACE_BYTES } from '../protocol/limits.ts'
import { giveNothingElse } from './inheritance.ts'
import { listeningSocket } from './listening-socket.ts'
import type { Program } from './program.ts'
import { giveAccess, type SocketAccess } from './tenants/socket-access.ts'
import type { Sandbox } from './sandbox/bubblewrap.ts'
import { usableCores } from './usable-cores.ts'

/** Descriptors of a worker; `src/worker/main.ts` knows the same numbers. Bubblewrap uses up the last two. */
const FD = { control: 3, page: 4, listen: 5, filter: 6, status: 7 } as const
/** What bubblewrap says of the sandbox: a line of JSON or two. */
const MAX_STATUS = 8_192
/** A bubblewrap that has not said which process it started after this time never will, in milliseconds. It takes a few. */
const STATUS_WAIT_MS = 5_000
/** What Node has by itself. */
const MAX_V8_THREADS = 4

export interface LaunchSettings {
  readonly directory: string
  /** Who may connect: a ticket is needed besides. */
  readonly access: SocketAccess
  readonly memoryBytes: number
  /** Whether V8 may compile to machine code. Default: it may. */
  readonly jit?: boolean
  /** Path of the Node binary. */
  readonly node: string
  readonly sandbox?: Sandbox | undefined
  /** Whether it runs under Node's permission model. */
  readonly confinement: { readonly dropPermissions: boolean }
  readonly program: Program
}

export interface LaunchedWorker {
  readonly child: ChildProcess
  readonly control: Socket
  readonly stderr: Readable
  readonly socketPath: string
  /** Descriptor of the heartbeat page. */
  readonly page: number
  /** The worker's process as this daemon sees it. In a sandbox it is known once the worker speaks. */
  pid(): number | undefined
  /** Interrupts the evaluate that runs now. */
  interrupt(): void
  /** Ends it, and all that stands between it and this daemon. */
  kill(): void
  readonly sandboxed: boolean
}

/** Starts a worker's process: empty environment, no Node IPC, sockets and page by descriptor, in a sandbox if there is one. If that fails half-way, nothing of it stays. */
export function launchWorker(number: number, settings: LaunchSettings): LaunchedWorker {
  const { directory, sandbox } = settings
  const { file, beside } = settings.program
  const files = [file, ...beside] as const
  const socketPath = join(directory, `w${number}.sock`)
  const opened: number[] = []
  let listens = false
  const keep = (fd: number): number => {
    opened.push(fd)
    return fd
  }
  try {
    const page = sharedPage(join(directory, `w${number}.page`), keep)
    const listen = keep(listeningSocket(socketPath))
    listens = true
    giveAccess(socketPath, settings.access)
    const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'ignore', 'pipe', 'pipe', page, listen]
    let command = settings.node
    let args = [...nodeFlags(settings, files), file, String(process.pid)]
    if (sandbox !== undefined) {
      stdio.push(fileOf(join(directory, `w${number}.filter`), sandbox.filter, keep), 'pipe')
      command = sandbox.program
      // Inside, its parent is the sandbox's init: which process started that is bubblewrap's business.
      const inside = files.map((each) => sandbox.inside(each))
      args = sandbox.command(files, nodeFlags(settings, inside), ['0'], FD)
    }
    giveNothingElse()
    const child = spawned(command, args, stdio)
    for (const fd of opened.splice(0)) if (fd !== page) closeSync(fd)
    return {
      child,
      control: child.stdio[FD.control] as Socket,
      stderr: child.stderr as Readable,
      socketPath,
      page,
      sandboxed: sandbox !== undefined,
      ...(sandbox === undefined
        ? { pid: () => child.pid, interrupt: () => void child.kill('SIGINT'), kill: () => void child.kill('SIGKILL') }
        : insideOf(child)),
    }
  } catch (error) {
    for (const fd of opened) closeSync(fd)
    if (listens) rmSync(socketPath, { force: true })
    throw error
  }
}

/** A session of its own: Ctrl-C in the daemon's terminal must not interrupt guests. */
function spawned(command: string, args: readonly string[], stdio: ('ignore' | 'pipe' | number)[]): ChildProcess {
  const child = spawn(command, args, { env: {}, detached: true, stdio })
  // Without descriptors for its pipes Node gives a child that has none, and says why in the next turn.
  if ((child.stdio as unknown) === undefined) {
    child.on('error', () => undefined)
    throw new Error('there are no descriptors left for its pipes')
  }
  return child
}

function nodeFlags({ memoryBytes, jit, confinement, program }: LaunchSettings, files: readonly string[]): string[] {
  return [
    ...program.flags,
    ...(jit === false ? ['--jitless'] : []),
    '--no-warnings',
    // SIGUSR1 would start the inspector.
    '--disable-sigusr1',
    // It opens files, and the permission model does not know.
    '--no-experimental-sqlite',
    ...(confinement.dropPermissions ? ['--permission', ...files.map((file) => `--allow-fs-read=${file}`), ...program.grants] : []),
    `--v8-pool-size=${v8Threads()}`,
    `--max-semi-space-size=${SEMI_SPACE_BYTES / 1024 / 1024}`,
    `--max-old-space-size=${Math.floor(memoryBytes / 1024 / 1024)}`,
  ]
}

/** Threads with which a worker's V8 compiles and collects beside the guest. As many as there are other cores: Node's four get in each other's way where there are fewer, and in that of the next worker. */
function v8Threads(): number {
  return Math.min(Math.max(1, usableCores() - 1), MAX_V8_THREADS)
}

/** A file of one page without a name: the worker maps it, the daemon reads it. `keep` gets its descriptor as soon as there is one. */
function sharedPage(path: string, keep: (fd: number) => number): number {
  const fd = keep(openSync(path, 'w+', 0o600))
  rmSync(path)
  ftruncateSync(fd, HEARTBEAT_BYTES)
  return fd
}

/** A file without a name, to be read from its start. */
function fileOf(path: string, bytes: Uint8Array, keep: (fd: number) => number): number {
  try {
    writeFileSync(path, bytes, { mode: 0o600 })
    return keep(openSync(path, 'r'))
  } finally {
    rmSync(path, { force: true })
  }
}

/** Bubblewrap says which process is the sandbox's init; the worker is its only child. */
function insideOf(child: ChildProcess): Pick<LaunchedWorker, 'pid' | 'interrupt' | 'kill'> {
  const status = (child.stdio as readonly unknown[])[FD.status] as Readable | undefined
  let said = ''
  let worker: number | undefined
  let unwanted = false
  status?.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(0, MAX_STATUS)
    if (unwanted) kill()
  })
  status?.on('error', () => undefined)
  const init = (): number | undefined => {
    const found = /"child-pid":\s*(\d+)/.exec(said)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const pid = (): number | undefined => {
    const parent = init()
    if (worker !== undefined || parent === undefined) return worker
    try {
      worker = Number.parseInt(readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1'), 10) || undefined
    } catch {
      // It is gone, or this kernel lacks the file: then interrupts and figures are, too.
    }
    return worker
  }
  const signal = (target: number | undefined, name: NodeJS.Signals): boolean => {
    // While the outer process lives, nobody has reaped what is inside: a number is not another's.
    if (target === undefined || child.exitCode !== null || child.signalCode !== null) return false
    try {
      return process.kill(target, name)
    } catch {
      return false
    }
  }
  const kill = (): void => {
    const parent = init()
    unwanted = parent === undefined
    // The end of the init is the end of its namespace. The outer process sees it, reaps it and exits. Killed itself, it would leave that to strangers;
    // killed before it has said which process the init is, it would leave an init that waits for it for ever, with our descriptors.
    if (parent === undefined) setTimeout(() => child.kill('SIGKILL'), STATUS_WAIT_MS).unref()
    else if (!signal(parent, 'SIGKILL')) child.kill('SIGKILL')
  }
  return {
    pid,
    interrupt: () => void signal(pid(), 'SIGINT'),
    kill,
  }
}
