import { DEFAULT_CHANNEL_LIMITS } from '../../src/protocol/channel-limits.ts'
import type { ClientToWorker, WorkerToClient } from '../../src/protocol/channel-link.ts'
import { clientToWorker, workerToClient } from '../../src/protocol/channel-link.ts'
import { type ClientToCompiler, clientToCompiler, type CompilerToClient, compilerToClient } from '../../src/protocol/compiler-link.ts'
import { type ClientToDaemon, clientToDaemon, type DaemonToClient, daemonToClient } from '../../src/protocol/control-link.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/framing.ts'
import type { Link } from '../../src/protocol/link.ts'
import type { Report } from '../../src/protocol/report.ts'
import { type DaemonToWorker, daemonToWorker, type WorkerToDaemon, workerToDaemon } from '../../src/protocol/worker-link.ts'

const MAX = 0xffff_ffff
const TICKET = Uint8Array.from({ length: 16 }, (_, n) => n * 17)
const FULL: Report = {
  phase: 'host-call',
  limit: 'memory',
  configured: 1.5,
  observed: -0.25,
  worker: MAX,
  signal: 'SIGKILL',
  exitCode: 134,
  cpuMs: 12.5,
  wallMs: 1e9,
  peakRssBytes: 2 ** 40,
  stderr: 'ä€😀',
  reason: '',
  cause: 'exit',
  channel: MAX,
  run: 0,
}
const BARE: Report = {
  phase: 'queued',
  limit: undefined,
  configured: undefined,
  observed: undefined,
  worker: 0,
  signal: undefined,
  exitCode: undefined,
  cpuMs: 0,
  wallMs: 0,
  peakRssBytes: 0,
  stderr: undefined,
  reason: undefined,
  cause: undefined,
  channel: undefined,
  run: undefined,
}

/** At least one message of every type; one entry for each type, so that a new message without a sample does not compile. */
type Samples<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: readonly Extract<Message, { readonly type: Type }>[]
}

const toDaemon: Samples<ClientToDaemon> = {
  hello: [
    { type: 'hello', minVersion: 0, maxVersion: MAX, tenant: 'acme', token: 'x'.repeat(1_024) },
    { type: 'hello', minVersion: 1, maxVersion: 1, tenant: undefined, token: undefined },
  ],
  askBusy: [{ type: 'askBusy', request: 1, worker: MAX }],
  leaseNamed: [{ type: 'leaseNamed', request: 1, name: 'orders', mode: 'any', idleMs: 1, known: [1], waitMs: 2 }],
  lease: [
    { type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 },
    { type: 'lease', request: 3, purpose: 'compile', known: [], waitMs: 1_000 },
    { type: 'lease', request: MAX, purpose: 'context', known: [0, 127, 128, 65_535, 65_536, MAX], waitMs: 1_000 },
    { type: 'lease', request: 2, purpose: 'process', known: Array.from({ length: 1_000 }, (_, n) => n), waitMs: 1_000 },
  ],
  placement: [
    { type: 'placement', request: 1, memoryBytes: undefined, jit: false, exclusive: true },
    { type: 'placement', request: MAX, memoryBytes: 2 ** 32, jit: true, exclusive: false },
  ],
  interrupt: [{ type: 'interrupt', worker: 1, channel: 2, run: MAX }],
  distrust: [{ type: 'distrust', worker: 1, reason: 'said “no”' }],
  status: [{ type: 'status', request: 5 }],
  stop: [{ type: 'stop', request: 6 }],
  crashed: [{ type: 'crashed', channel: 1, run: MAX, hash: new Uint8Array(32).fill(255) }],
}
const fromDaemon: Samples<DaemonToClient> = {
  busy: [
    { type: 'busy', request: 1, forMs: 0 },
    { type: 'busy', request: MAX, forMs: MAX },
  ],
  scriptRefused: [{ type: 'scriptRefused', hash: new Uint8Array(32), forMs: 59_999.5 }],
  draining: [{ type: 'draining', worker: MAX }],
  warning: [
    { type: 'warning', limit: 'cpu', configured: 10, observed: 8.25, worker: undefined, message: '' },
    { type: 'warning', limit: 'memory', configured: 2 ** 40, observed: 0, worker: MAX, message: 'ä€😀' },
  ],
  welcome: [
    {
      type: 'welcome',
      version: 1,
      daemonVersion: '0.1.0',
      timeoutMs: 5_000,
      maxTimeoutMs: 3_600_000,
      limits: DEFAULT_CHANNEL_LIMITS,
      memoryBytes: 2 ** 32,
      trust: 'hostile',
    },
  ],
  refused: [{ type: 'refused', code: 'ERR_VERSION', message: 'y'.repeat(70_000) }],
  leasedNamed: [
    { type: 'leasedNamed', request: 1, worker: 2, channel: 3, path: undefined, ticket: new Uint8Array(0), key: TICKET },
    { type: 'leasedNamed', request: 1, worker: 2, channel: 3, path: '/x', ticket: TICKET, key: TICKET },
  ],
  leased: [
    { type: 'leased', request: 1, worker: 2, channel: 3, path: '/run/x/w2.sock', ticket: TICKET },
    { type: 'leased', request: 1, worker: 2, channel: 3, path: undefined, ticket: new Uint8Array(0) },
  ],
  denied: [
    { type: 'denied', request: 1, code: 'ERR_OVERLOADED', message: '', retryAfterMs: 100, position: 3, blockedBy: 'max' },
    {
      type: 'denied',
      request: 1,
      code: 'ERR_STOPPING',
      message: 'stopping',
      retryAfterMs: undefined,
      position: undefined,
      blockedBy: undefined,
    },
  ],
  lost: [
    { type: 'lost', worker: 7, report: FULL },
    { type: 'lost', worker: 7, report: BARE },
  ],
  status: [{ type: 'status', request: 1, json: '{"a":[1]}' }],
  stopping: [{ type: 'stopping', request: 1 }],
}
const toWorker: Samples<DaemonToWorker> = {
  named: [{ type: 'named', key: TICKET }],
  unnamed: [{ type: 'unnamed', key: TICKET }],
  admit: [{ type: 'admit', channel: 1, ticket: TICKET, maxTimeoutMs: 3_600_000, limits: DEFAULT_CHANNEL_LIMITS }],
  ping: [{ type: 'ping', sequence: MAX }],
  confine: [{ type: 'confine', dropPermissions: true, lockDown: false, namespaces: true, dataBytes: 2 ** 33 }],
  cancel: [{ type: 'cancel', channel: 1, run: 2 }],
  drop: [{ type: 'drop', channel: 3 }],
  pause: [{ type: 'pause' }],
}
const fromWorker: Samples<WorkerToDaemon> = {
  nameUsed: [{ type: 'nameUsed', key: TICKET, attached: 0, attaches: MAX }],
  nameEnded: [{ type: 'nameEnded', key: TICKET }],
  started: [{ type: 'started' }],
  booted: [{ type: 'booted' }],
  ready: [
    { type: 'ready', bootMs: 41.5, attestation: { layers: [], attacks: [] } },
    {
      type: 'ready',
      bootMs: 0,
      attestation: {
        layers: [{ layer: 'L3', held: true, detail: 'seccomp' }],
        attacks: [{ name: 'open a file', layer: 'L2', refused: false, evidence: 'EPERM' }],
      },
    },
  ],
  pong: [{ type: 'pong', sequence: 1, waiting: 2 }],
  offends: [{ type: 'offends' }],
  usage: [
    {
      type: 'usage',
      contexts: 1,
      runs: MAX,
      handles: 3,
      tally: { outcomes: [1, 2, 3, 4, 5], durations: Array<number>(17).fill(7), totalMs: 0.5, caches: [8, 9, 0, 1] },
    },
  ],
  closed: [{ type: 'closed', channel: 1 }],
}
const run = { run: 1, context: 2, timeoutMs: 5_000 }
const HASH = new Uint8Array(32).fill(3)
const toChannel: Samples<ClientToWorker> = {
  attach: [{ type: 'attach', run: 1, context: MAX, key: TICKET, mode: 'existing', gated: true }],
  ready: [{ type: 'ready', run: 1, context: 2 }],
  end: [{ type: 'end', run: MAX, context: 1 }],
  script: [
    { type: 'script', hash: HASH, filename: 'ä.js', code: 'ü'.repeat(100_000), cachedData: new Uint8Array(70_000) },
    { type: 'script', hash: HASH, filename: undefined, code: '', cachedData: undefined },
  ],
  plan: [
    { type: 'plan', context: MAX, globals: 'ecmascript', timeoutMs: 1_000, scripts: [], deterministic: undefined },
    {
      type: 'plan',
      context: 1,
      globals: 'web',
      timeoutMs: MAX,
      scripts: [HASH, HASH],
      deterministic: { seed: 'ü', timeMs: -8.64e15, timeZone: 'Europe/Berlin', locale: 'de-DE', autoAdvance: true },
    },
  ],
  advance: [{ type: 'advance', ...run, ms: 0.5 }],
  limits: [
    { type: 'limits', context: 0, run: 0, limits: DEFAULT_CHANNEL_LIMITS },
    { type: 'limits', context: MAX, run: MAX, limits: { ...DEFAULT_CHANNEL_LIMITS, maxHostCalls: 0, maxDepth: 1 } },
  ],
  runScript: [{ type: 'runScript', ...run, hash: HASH }],
  onceScript: [{ type: 'onceScript', ...run, hash: HASH }],
  vmRun: [
    { type: 'vmRun', run: 1, context: 2, timeoutMs: 3, filename: '', source: 'x', lineOffset: 0, columnOffset: 0 },
    {
      type: 'vmRun',
      run: MAX,
      context: MAX,
      timeoutMs: MAX,
      filename: 'ä€😀.js',
      source: '',
      lineOffset: -(2 ** 31),
      columnOffset: 2 ** 31 - 1,
    },
  ],
  vmSync: [{ type: 'vmSync', run: 1, context: MAX, timeoutMs: 3 }],
  vmMeasure: [
    { type: 'vmMeasure', run: 1, context: 0, detailed: false },
    { type: 'vmMeasure', run: MAX, context: 0, detailed: true },
  ],
  vmCompile: [
    {
      type: 'vmCompile',
      run: 1,
      context: 0,
      filename: 'a.js',
      source: 'x',
      lineOffset: 1,
      columnOffset: -1,
      parameters: undefined,
      cachedData: undefined,
      produceCachedData: false,
    },
    {
      type: 'vmCompile',
      run: MAX,
      context: 7,
      filename: '',
      source: 'return a',
      lineOffset: 0,
      columnOffset: 0,
      parameters: ['a', 'ä€😀'],
      cachedData: new Uint8Array([1, 2, 3]),
      produceCachedData: true,
    },
  ],
  onceScriptWith: [{ type: 'onceScriptWith', ...run, hash: HASH }],
  hello: [{ type: 'hello', minVersion: 1, maxVersion: 2, ticket: TICKET }],
  run: [
    { type: 'run', ...run, filename: 'a.js', source: 'x + 1' },
    { type: 'run', ...run, filename: undefined, source: 'ü'.repeat(100_000) },
    { type: 'run', ...run, filename: '', source: 'lone \ud800 surrogate' },
  ],
  once: [{ type: 'once', ...run, filename: undefined, source: '' }],
  onceWith: [{ type: 'onceWith', ...run, filename: undefined, source: 'x' }],
  create: [{ type: 'create', run: 1, context: 2 }],
  dispose: [{ type: 'dispose', run: 1, context: 2 }],
  get: [{ type: 'get', ...run, name: 'n'.repeat(1_024) }],
  set: [{ type: 'set', ...run, name: 'ключ' }],
  delete: [{ type: 'delete', ...run, name: '' }],
  globals: [{ type: 'globals', ...run, name: '' }],
  call: [{ type: 'call', ...run, name: 'a.b.c' }],
  cancel: [{ type: 'cancel', run: MAX }],
  invoke: [{ type: 'invoke', ...run, handle: MAX }],
  idle: [{ type: 'idle', ...run, name: '' }],
  import: [{ type: 'import', ...run, name: '' }],
  modules: [{ type: 'modules', ...run, name: '' }],
  many: [{ type: 'many', ...run, filename: 'a.js', source: '(x) => x' }],
  more: [{ type: 'more', run: 1 }],
  releasedByHost: [
    { type: 'releasedByHost', context: 1, handles: [] },
    { type: 'releasedByHost', context: MAX, handles: Array.from({ length: 2_000 }, (_, n) => n) },
  ],
  due: [{ type: 'due', run: MAX, atMs: 1e9 + 0.5 }],
  returned: [{ type: 'returned', context: 1, call: MAX }],
  raised: [{ type: 'raised', context: 1, call: 2 }],
  promised: [{ type: 'promised', context: 1, call: 2 }],
}
const fromChannel: Samples<WorkerToClient> = {
  evidence: [
    { type: 'evidence', run: MAX, peakRssBytes: 2 ** 33, at: { functionName: 'check ä', file: 'rules.js', line: 3, column: MAX } },
    { type: 'evidence', run: 1, peakRssBytes: 0, at: undefined },
    { type: 'evidence', run: 1, peakRssBytes: 0, at: { functionName: undefined, file: '', line: 0, column: 0 } },
  ],
  cacheRefused: [{ type: 'cacheRefused', hash: HASH }],
  limited: [
    {
      type: 'limited',
      run: 1,
      code: 5,
      message: '',
      phase: 'result',
      wallMs: 0.5,
      cpuMs: 0,
      limit: 'maxOutput',
      configured: 16,
      observed: 17,
    },
    {
      type: 'limited',
      run: MAX,
      code: MAX,
      message: 'ä€😀',
      phase: 'queued',
      wallMs: 0,
      cpuMs: 0,
      limit: '',
      configured: 2 ** 40,
      observed: undefined,
    },
  ],
  nearLimit: [
    { type: 'nearLimit', context: MAX, limit: 'maxHostCalls', configured: 5, observed: 4.5 },
    { type: 'nearLimit', context: 1, limit: 'maxContexts', configured: 2 ** 40, observed: 0 },
  ],
  exhausted: [
    { type: 'exhausted', run: MAX, phase: 'run', wallMs: 0.5, cpuMs: 0, retryAfterMs: 60_000, configured: 15_360, observed: 1.25 },
  ],
  presetThrew: [{ type: 'presetThrew', run: MAX }],
  welcome: [{ type: 'welcome', version: 1 }],
  done: [{ type: 'done', run: 1 }],
  threw: [{ type: 'threw', run: MAX }],
  hostCall: [
    { type: 'hostCall', context: 1, call: 2, fn: MAX, run: 5, sync: true },
    { type: 'hostCall', context: 1, call: 2, fn: 3, run: 0, sync: false },
  ],
  releasedByGuest: [{ type: 'releasedByGuest', context: 1, handles: [7, 1, MAX, 2] }],
  console: [{ type: 'console', context: 1, level: 5, timeMs: 1.8e12, dropped: 3, text: 'a\nb' }],
  unhandled: [
    { type: 'unhandled', context: 1, rejection: true },
    { type: 'unhandled', context: 1, rejection: false },
  ],
  outcomes: [{ type: 'outcomes', run: 1, done: true }],
  failed: [{ type: 'failed', run: 0, code: 16, message: 'no', phase: 'result', wallMs: 0.125, cpuMs: 1e-3 }],
}
const compile = { type: 'compile', request: 1, format: 'script', cache: false, alone: false, filename: undefined } as const
const toCompiler: Samples<ClientToCompiler> = {
  hello: [{ type: 'hello', minVersion: 1, maxVersion: 2, ticket: TICKET }],
  compile: [
    { ...compile, language: 'js', source: '' },
    { ...compile, language: 'ts', format: 'module', cache: true, alone: true, filename: 'ä.ts', source: 'lone \ud800 surrogate' },
  ],
  cancel: [{ type: 'cancel', request: MAX }],
}
const compiled = { type: 'compiled', request: 2, hash: new Uint8Array(32).fill(7), code: 'x', sourceMap: undefined } as const
const fromCompiler: Samples<CompilerToClient> = {
  welcome: [{ type: 'welcome', version: 1 }],
  started: [{ type: 'started', request: MAX }],
  compiled: [
    { ...compiled, imports: [], cachedData: undefined },
    {
      ...compiled,
      imports: [
        { specifier: './ü.json', dynamic: false, attributes: { type: 'json', __proto__x: '' } },
        { specifier: undefined, dynamic: true, attributes: {} },
      ],
      sourceMap: '{"version":3}',
      cachedData: new Uint8Array(70_000),
    },
  ],
  threw: [{ type: 'threw', request: 3 }],
  failed: [
    { type: 'failed', request: 0, code: 13, message: 'no', retryAfterMs: undefined, wallMs: 0 },
    { type: 'failed', request: 4, code: 12, message: '', retryAfterMs: 250, wallMs: 1.5 },
  ],
}

type AnyLink = Link<{ readonly type: string }>
const direction = (name: string, link: unknown, samples: Readonly<Record<string, readonly { readonly type: string }[]>>) => ({
  name,
  link: link as AnyLink,
  messages: Object.values(samples).flat(),
})

/** Every direction of every link, with messages of every type. */
export const DIRECTIONS = [
  direction('client to daemon', clientToDaemon, toDaemon),
  direction('daemon to client', daemonToClient, fromDaemon),
  direction('daemon to worker', daemonToWorker, toWorker),
  direction('worker to daemon', workerToDaemon, fromWorker),
  direction('client to worker', clientToWorker, toChannel),
  direction('worker to client', workerToClient, fromChannel),
  direction('client to compiler', clientToCompiler, toCompiler),
  direction('compiler to client', compilerToClient, fromCompiler),
]

/** Messages that end with a value, which the link itself neither writes nor checks. */
export const WITH_PAYLOAD = new Set([
  'import',
  'modules',
  'onceScriptWith',
  'vmRun',
  'vmSync',
  'attach',
  'onceWith',
  'create',
  'set',
  'call',
  'invoke',
  'many',
  'returned',
  'raised',
  'done',
  'threw',
  'hostCall',
  'console',
  'unhandled',
  'outcomes',
  'presetThrew',
])

/** A message as bytes, without the frame's header and, where a value belongs to it, with nil for one. */
export function bodyOf(link: AnyLink, message: { readonly type: string }): Uint8Array {
  const body = link.encode(message).slice(FRAME_HEADER_BYTES)
  return WITH_PAYLOAD.has(message.type) ? Uint8Array.from([...body, 0xc0]) : body
}
