import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Box, connect } from 'glovebox'
import type { DaemonOptions } from 'glovebox/daemon'
import { probeSandbox } from '../../dist/daemon/sandbox/probe.js'
import { buildTestWorker } from './attack-worker-build.ts'
import { MARKER } from './attack-worker-marker.ts'
import { eventually, GENEROUS_MS } from './eventually.ts'

const DAEMON = fileURLToPath(new URL('../fixtures/attack-daemon.mjs', import.meta.url))
/** A user that is nobody in particular, and who owns nothing. */
const ORDINARY_UID = 54_321

export const LAYERS = ['L1', 'L2', 'L3', 'L4', 'L5'] as const
export type Layer = (typeof LAYERS)[number]

/** The layers that are not among these: what `startDaemonWithWorker` wants to know. L1 is always there. */
export function allBut(layers: readonly Layer[]): Layer[] {
  return LAYERS.filter((layer) => layer !== 'L1' && !layers.includes(layer))
}

/** Who runs a daemon. */
export interface User {
  readonly name: 'root' | 'an ordinary user'
  /** For the child process; `undefined` where this process is that user itself. */
  readonly uid?: number
  /** Why this user cannot be had here. */
  readonly missing?: string
}

/** Root and an ordinary user, as far as this process can be them. */
export function users(): User[] {
  if (process.getuid?.() !== 0) return [{ name: 'root', missing: 'these tests do not run as root' }, { name: 'an ordinary user' }]
  const { status, stderr, error } = spawnSync(process.execPath, ['--check', DAEMON], {
    uid: ORDINARY_UID,
    gid: ORDINARY_UID,
    encoding: 'utf8',
  })
  const missing =
    status === 0 ? {} : { missing: `an ordinary user cannot run Node in this checkout: ${error?.message ?? stderr.split('\n')[0]}` }
  return [{ name: 'root' }, { name: 'an ordinary user', uid: ORDINARY_UID, ...missing }]
}

/** Why there is no L4 on this machine; `undefined` if there is. */
export async function noSandbox(): Promise<string | undefined> {
  const probed = await probeSandbox(process.execPath)
  return 'sandbox' in probed ? undefined : probed.reason
}

export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number
  /** The socket, or why there is none. */
  readonly said: { readonly socket: string } | { readonly code: string; readonly message: string }
}

export interface DaemonProcessOptions {
  readonly options?: DaemonOptions
  readonly workerFile?: string | undefined
  readonly without?: readonly Layer[]
  readonly user?: User
  readonly env?: Readonly<Record<string, string>>
  /** The number of a descriptor that it is started with, besides the usual three. */
  readonly inherited?: number
}

/** Starts a daemon in a process of its own. Disposing ends it, and waits. */
export async function daemonProcess(settings: DaemonProcessOptions): Promise<DaemonProcess> {
  const { options, workerFile, without, user, env, inherited } = settings
  const given = openSync('/dev/null', 'r')
  const more = inherited === undefined ? [] : [...Array.from({ length: inherited - 3 }, () => 'ignore' as const), given]
  const child = spawn(process.execPath, [DAEMON, JSON.stringify({ options, workerFile, without })], {
    stdio: ['pipe', 'pipe', 'inherit', ...more],
    env: { PATH: process.env['PATH'], ...env },
    ...(user?.uid === undefined ? {} : { uid: user.uid, gid: user.uid }),
  })
  closeSync(given)
  const ended = once(child, 'close')
  const stdin = child.stdin as Writable
  stdin.on('error', () => undefined)
  const line = await Promise.race([once(createInterface(child.stdout as Readable), 'line'), ended.then(() => undefined)])
  if (line === undefined) throw new Error('the daemon said nothing')
  const said = JSON.parse(String(line[0])) as DaemonProcess['said']
  return {
    pid: child.pid as number,
    said,
    async [Symbol.asyncDispose]() {
      stdin.end()
      // Some attacks are on it.
      const late = setTimeout(() => child.kill('SIGKILL'), GENEROUS_MS)
      await ended
      clearTimeout(late)
      // If an attack killed it.
      if ('socket' in said) rmSync(dirname(said.socket), { recursive: true, force: true })
    },
  }
}

/** What came of an attack: the value that it evaluated or resolved to, or what it threw. */
export interface AttackOutcome {
  readonly threw: boolean
  /** As `util.inspect` shows it. */
  readonly text: string
  /** As JSON has it. */
  readonly value: unknown
}

export interface AttackDaemon extends AsyncDisposable {
  readonly pid: number
  readonly socket: string
  readonly box: Box
  /** Evaluates a source in the main realm of a worker: the same one each time, unless it died. Rejects if it dies. */
  attack(source: string): Promise<AttackOutcome>
  /** The same in a worker of its own, for sources that do not wait for anything. */
  attackOnce(source: string): Promise<AttackOutcome>
}

/** Before they are spares, workers rehearse: over a channel that may still be open when the next is. */
export async function rested(box: Box): Promise<void> {
  await eventually('spares', async () => (await box.status()).workers.every(({ state }) => state !== 'booting'))
}

/** A private daemon with attack workers, under exactly these layers and L1. */
export async function attackDaemon(
  layers: readonly Layer[],
  user?: User,
  more?: Pick<DaemonProcessOptions, 'inherited'>,
): Promise<AttackDaemon> {
  const workerFile = await buildTestWorker('attack-worker')
  const daemon = await daemonProcess({
    options: { require: layers, maxPerTenant: 1, spare: 2, max: 20 },
    workerFile,
    without: allBut(layers),
    ...(user === undefined ? {} : { user }),
    ...more,
  })
  if (!('socket' in daemon.said)) throw new Error(`${daemon.said.code}: ${daemon.said.message}`)
  const { socket } = daemon.said
  const box = await connect({ socket })
  await rested(box)
  let attacks = 0
  const marked = (source: string): string => `${MARKER}${process.pid}.${++attacks}\n${source}`
  return {
    pid: daemon.pid,
    socket,
    box,
    async attack(source) {
      const text = marked(source)
      await using context = await box.createContext()
      return await eventually('the end of an attack', async () => outcome(await context.run(text)))
    },
    async attackOnce(source) {
      const found = outcome(await box.run(marked(source), { fresh: 'process' }))
      if (found === undefined) throw new Error('this attack waits for something: use attack()')
      return found
    },
    async [Symbol.asyncDispose]() {
      await box.dispose()
      await daemon[Symbol.asyncDispose]()
    },
  }
}

function outcome(answer: unknown): AttackOutcome | undefined {
  const found = JSON.parse(String(answer)) as { threw: boolean; text: string; json?: string } | null
  if (found === null) return undefined
  return { threw: found.threw, text: found.text, value: found.json === undefined ? undefined : JSON.parse(found.json) }
}
