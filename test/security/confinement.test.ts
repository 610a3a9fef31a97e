import { execFile } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connect, type Status } from 'glovebox'
import { describe, expect, test } from 'vitest'
import {
  allBut,
  type DaemonProcess,
  daemonProcess,
  type DaemonProcessOptions,
  type Layer,
  noSandbox,
  type User,
  users,
} from '../support/attack-worker.ts'
import { buildTestWorker } from '../support/attack-worker-build.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const ATTESTATION = fileURLToPath(new URL('../fixtures/attack-attestation.mjs', import.meta.url))
const WORKER_FOLDER = fileURLToPath(new URL('../../dist/worker/', import.meta.url))

/** What L4 needs, or the reason why it is not here. */
const missingSandbox = await noSandbox()
const STRICT: readonly Layer[] = ['L1', 'L2', 'L3', 'L4']
/** What workers attest of each layer. As nobody already, in a sandbox, a worker of root's need not become it. */
const DETAILS: Readonly<Record<Layer, unknown>> = {
  L1: 'a process of its own, empty environment',
  L2: 'all grants dropped',
  L3: expect.stringMatching(/^seccomp, (Landlock ABI \d+|no Landlock), rlimits, not dumpable(, nobody)?$/),
  L4: 'own namespaces, empty root, nobody',
  L5: expect.any(String),
}
/** A child process finds no bubblewrap. */
const WITHOUT_BUBBLEWRAP = { PATH: '/nonexistent' }
const NOT_INSTALLED = {
  layer: 'L4',
  reason: 'bubblewrap is not installed',
  fix: expect.stringMatching(/^Install it: .*bubblewrap.*\.$/) as string,
}

const switchedOff = (layer: Layer): object => ({ layer, reason: 'switched off', fix: 'leave it on' })

function socketOf({ said }: DaemonProcess): string {
  if (!('socket' in said)) throw new Error(`${said.code}: ${said.message}`)
  return said.socket
}

/** What a daemon's status says once a worker has served a run. */
async function confinementOf(daemon: DaemonProcess): Promise<Status['confinement']> {
  await using box = await connect({ socket: socketOf(daemon) })
  expect(await box.run('6 * 7')).toBe(42)
  return (await box.status()).confinement
}

/** Why a daemon does not start. */
async function refusal(options: DaemonProcessOptions): Promise<object> {
  await using daemon = await daemonProcess(options)
  return daemon.said
}

describe.each(users())('a daemon of $name', (user: User) => {
  test.for<Layer>(['L2', 'L3', 'L4'])('says that %s is switched off, and holds by the others', async (layer, { skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    if (layer !== 'L4' && missingSandbox !== undefined) skip(missingSandbox)
    await using daemon = await daemonProcess({ without: [layer, 'L5'], user })
    const { layers, absent } = await confinementOf(daemon)
    expect(absent).toEqual([switchedOff(layer), switchedOff('L5')])
    const rest = STRICT.filter((each) => each !== layer)
    expect(layers.toSorted((a, b) => a.layer.localeCompare(b.layer))).toEqual(
      rest.map((each) => ({ layer: each, held: true, detail: DETAILS[each] })),
    )
  })

  test('gives up the rights of root inside, where no sandbox does', async ({ skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    await using daemon = await daemonProcess({ without: ['L4', 'L5'], user })
    const { layers } = await confinementOf(daemon)
    expect(layers.find(({ layer }) => layer === 'L3')?.detail.endsWith(', nobody')).toBe(user.name === 'root')
  })

  test.for<[without: Layer, options: NonNullable<DaemonProcessOptions['options']>, level: string]>([
    ['L2', { require: ['L2'] }, 'auto'],
    ['L3', { require: ['L3'] }, 'auto'],
    ['L4', { require: ['L4'] }, 'auto'],
    ['L5', { require: ['L5'] }, 'auto'],
    ['L3', { confinement: 'process', require: ['L3'] }, 'process'],
    ['L1', { confinement: 'strict' }, 'strict'],
    ['L2', { confinement: 'strict' }, 'strict'],
    ['L3', { confinement: 'strict' }, 'strict'],
    ['L4', { confinement: 'strict' }, 'strict'],
  ])('does not start without %s, asked for by %o', async ([without, options, level], { skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    expect(await refusal({ options, without: [without], user })).toEqual({
      code: 'ERR_CONFINEMENT',
      message: `confinement '${level}' needs ${without}, which does not hold: switched off. leave it on`,
    })
  })

  test("with 'auto' and no bubblewrap runs on L1 to L3, and says so", async ({ skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    await using daemon = await daemonProcess({ without: ['L5'], env: WITHOUT_BUBBLEWRAP, user })
    const { layers, absent } = await confinementOf(daemon)
    expect(absent).toEqual([switchedOff('L5'), NOT_INSTALLED])
    expect(layers.map(({ layer, held }) => [layer, held])).toEqual([
      ['L1', true],
      ['L3', true],
      ['L2', true],
    ])
  })

  test("with 'strict' and no bubblewrap does not start, and says how to install it", async ({ skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    expect(await refusal({ options: { confinement: 'strict' }, env: WITHOUT_BUBBLEWRAP, user })).toEqual({
      code: 'ERR_CONFINEMENT',
      message: expect.stringMatching(
        /^confinement 'strict' needs L4, which does not hold: bubblewrap is not installed\. Install it: .*bubblewrap.*\.$/,
      ) as string,
    })
  })

  test("with 'strict' starts where all hold", async ({ skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    if (missingSandbox !== undefined) skip(missingSandbox)
    await using daemon = await daemonProcess({ options: { confinement: 'strict' }, without: ['L5'], user })
    const { layers, absent } = await confinementOf(daemon)
    expect(absent).toEqual([switchedOff('L5')])
    expect(layers.filter(({ held }) => held).map(({ layer }) => layer)).toEqual(['L1', 'L4', 'L3', 'L2'])
  })

  test("with 'process' leaves the kernel alone", async ({ skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    await using daemon = await daemonProcess({ options: { confinement: 'process' }, user })
    const { layers } = await confinementOf(daemon)
    expect(layers).toEqual([
      { layer: 'L1', held: true, detail: DETAILS.L1 },
      { layer: 'L2', held: true, detail: DETAILS.L2 },
    ])
  })

  test.for<[title: string, layers: readonly Layer[]]>([
    ['L3 alone', ['L1', 'L3']],
    ['L4 alone', ['L1', 'L4']],
    ['L4 and L2', ['L1', 'L2', 'L4']],
    ['all', STRICT],
  ])('its workers find every attack on themselves refused: %s', async ([, layers], { skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    if (layers.includes('L4') && missingSandbox !== undefined) skip(missingSandbox)
    const attestation = await attest(allBut(layers), user)
    expect(attestation.layers.map(({ layer, held }) => `${layer} ${held}`).toSorted()).toEqual(layers.map((layer) => `${layer} true`))
    expect(attestation.attacks.filter(({ refused }) => !refused)).toEqual([])
    for (const layer of layers.filter((each) => each !== 'L1')) {
      const found = attestation.attacks.filter((attack) => attack.layer === layer)
      expect(Object.fromEntries(found.map(({ name, evidence }) => [name, evidence]))).toEqual(ATTACKS[layer as 'L2' | 'L3' | 'L4'])
    }
  })
})

interface Attestation {
  readonly layers: readonly { readonly layer: Layer; readonly held: boolean }[]
  readonly attacks: readonly { readonly layer: Layer; readonly name: string; readonly refused: boolean; readonly evidence: string }[]
}

/** What a worker attests under all layers but these. */
async function attest(without: readonly Layer[], { uid }: User): Promise<Attestation> {
  const as = uid === undefined ? {} : { uid, gid: uid }
  const { stdout } = await promisify(execFile)(process.execPath, [ATTESTATION, JSON.stringify(without)], as)
  return JSON.parse(stdout) as Attestation
}

/** Every attack that a worker makes on itself, and what refuses it. */
const ATTACKS = {
  L2: {
    'node:fs reads a file': 'ERR_ACCESS_DENIED',
    'node:fs writes a file': 'ERR_ACCESS_DENIED',
    'node:child_process': 'ERR_ACCESS_DENIED',
    'node:worker_threads': 'ERR_ACCESS_DENIED',
    'node:wasi': 'ERR_ACCESS_DENIED',
    'node:inspector': 'ERR_ACCESS_DENIED',
    'node:net listens': 'ERR_ACCESS_DENIED',
    'native addon': 'ERR_DLOPEN_DISABLED',
    'node:ffi opens a library': 'ERR_ACCESS_DENIED',
  },
  L3: {
    'read a file': 'EPERM',
    'write a file': 'EPERM',
    'list a directory': 'EPERM',
    'list the root directory': 'EPERM',
    'open /proc': 'EPERM',
    'TCP socket': 'EPERM',
    'UDP socket': 'EPERM',
    'Unix socket': 'EPERM',
    'netlink socket': 'EPERM',
    connect: 'EPERM',
    fork: 'EPERM',
    'fork (clone3)': 'ENOSYS',
    exec: 'EPERM',
    'signal the parent': 'EPERM',
    'signal process 1': 'EPERM',
    ptrace: 'EPERM',
    'new user namespace': 'EPERM',
    mount: 'EPERM',
    io_uring: 'ENOSYS',
  },
  L4: {
    'read a file': 'ENOENT',
    'write a file': 'ENOENT',
    'list a directory': 'ENOENT',
    'open /proc': 'ENOENT',
    'TCP socket': 'EPERM',
    'UDP socket': 'EPERM',
    'Unix socket': 'EPERM',
    'netlink socket': 'EPERM',
    connect: 'EPERM',
    fork: 'EPERM',
    'fork (clone3)': 'ENOSYS',
    exec: 'ENOENT',
    'signal the parent': 'EPERM',
    'signal process 1': 'EPERM',
    ptrace: 'EPERM',
    'new user namespace': 'EPERM',
    mount: 'EPERM',
    io_uring: 'ENOSYS',
  },
} as const

describe('a worker that attests less than is required is killed', () => {
  test.each<[lie: string, reason: string]>([
    ['omits L1', 'is not confined as required: L1 was not attested'],
    ['omits L2', 'is not confined as required: L2 was not attested'],
    ['omits L3', 'is not confined as required: L3 was not attested'],
    ['doubts L3', 'is not confined as required: L3 does not hold: so it says'],
    ['nothing', 'is not confined as required: L1 was not attested'],
  ])('it %s', async (lie, reason) => {
    const workerFile = await buildTestWorker('attack-liar', { LIE: lie })
    await using daemon = await daemonProcess({ workerFile, without: ['L4', 'L5'] })
    await using box = await connect({ socket: socketOf(daemon) })
    expect(await rejection(box.run('1'))).toMatchObject({ code: 'ERR_WORKER_BOOT', message: `workers do not boot: ${reason}` })
    const { deaths, workers } = await box.status()
    expect(deaths[0]).toMatchObject({ phase: 'boot', signal: 'SIGKILL', reason })
    expect(workers.filter(({ state }) => state === 'spare' || state === 'bound')).toEqual([])
  })

  test('and a daemon that needs what it omits does not start', async () => {
    const workerFile = await buildTestWorker('attack-liar', { LIE: 'omits L3' })
    expect(await refusal({ workerFile, without: ['L4', 'L5'], options: { require: ['L3'] } })).toEqual({
      code: 'ERR_WORKER_BOOT',
      message: 'workers do not boot: is not confined as required: L3 was not attested',
    })
  })

  test('one that omits what nobody requires is not', async () => {
    const workerFile = await buildTestWorker('attack-liar', { LIE: 'omits L4' })
    await using daemon = await daemonProcess({ workerFile, without: ['L4', 'L5'] })
    await using box = await connect({ socket: socketOf(daemon) })
    await eventually('a spare worker', async () => (await box.status()).workers.some(({ state }) => state === 'spare'))
  })
})

describe('a bubblewrap that confines nothing is found out', () => {
  /** A program of that name, first on PATH, which only runs what it is given, outside of any sandbox. */
  function pretender(): Disposable & { readonly env: { readonly PATH: string } } {
    const folder = temporaryDirectory()
    const path = join(folder.path, 'bwrap')
    writeFileSync(
      path,
      `#!${process.execPath}
const { spawn } = require('node:child_process')
const { writeSync } = require('node:fs')
const outside = (name) => (name === 'node' ? ${JSON.stringify(process.execPath)} : ${JSON.stringify(WORKER_FOLDER)} + name)
const [node, ...args] = process.argv.slice(process.argv.indexOf('--') + 1)
  .map((arg) => arg.replace(/\\/glovebox\\/([\\w.]+)/, (_, name) => outside(name)))
const child = spawn(node, args, { stdio: args.includes('--version') ? 'inherit' : [0, 1, 2, 3, 4, 5] })
writeSync(Number(process.argv[process.argv.indexOf('--json-status-fd') + 1]), JSON.stringify({ 'child-pid': child.pid }) + '\\n')
child.on('exit', (code) => process.exit(code ?? 1))
`,
    )
    chmodSync(path, 0o755)
    return { env: { PATH: folder.path }, [Symbol.dispose]: () => folder[Symbol.dispose]() }
  }
  const FOUND_OUT = /^L4 does not hold: read a file: succeeded \(\d+\)$/

  test('strict does not start', async () => {
    using fake = pretender()
    const said = await refusal({ options: { confinement: 'strict' }, without: ['L5'], env: fake.env })
    expect(said).toMatchObject({ code: 'ERR_WORKER_BOOT' })
    expect((said as { message: string }).message.replace('workers do not boot: is not confined as required: ', '')).toMatch(FOUND_OUT)
  })

  test('auto says so', async () => {
    using fake = pretender()
    await using daemon = await daemonProcess({ without: ['L5'], env: fake.env })
    const { layers } = await confinementOf(daemon)
    expect(layers.find(({ layer }) => layer === 'L4')).toEqual({
      layer: 'L4',
      held: false,
      detail: expect.stringMatching(/^read a file: succeeded \(\d+\)$/) as string,
    })
    expect(layers.filter(({ held }) => held)).toHaveLength(3)
  })
})
