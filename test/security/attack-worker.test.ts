import { chmodSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import type { Report } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { type AttackDaemon, attackDaemon, type Layer, noSandbox, rested, type User, users } from '../support/attack-worker.ts'
import { type Aim, prelude } from '../support/attack-worker-prelude.ts'
import { Command, textLike } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { lives } from '../support/processes.ts'

/**
 * Full JavaScript in a worker's main realm, with Node's inside and raw system calls in scope, against each layer of confinement on its own and against all together.
 * Every attempt is also made without any layer, by an ordinary user, to see that it would work. `through` is a success of the attacker.
 */
checkLeaks()

const ATTACK = fileURLToPath(new URL('../support/attack.mjs', import.meta.url))

/** What an attempt comes to where it is not what its group's attempts usually come to. */
interface Unusual {
  /** Without any layer. `any` where that depends on the machine; `skip` where it would do harm. */
  readonly control?: string
  readonly L2?: string
  readonly L3?: string
  readonly all?: string
}

type Group = readonly (readonly [name: string, source: string, underL4: string, unusual?: Unusual])[]

/** Files and directories. */
const FILES: Group = [
  ['read /etc/passwd (openat)', "open('/etc/passwd')", 'ENOENT'],
  ['read /etc/passwd (openat2)', "descriptor('openat2', AT_FDCWD, at('/etc/passwd'), zeros(24), 24)", 'ENOENT'],
  ['read /proc/self/environ', "open('/proc/self/environ')", 'ENOENT'],
  ['read /proc/self/maps', "open('/proc/self/maps')", 'ENOENT'],
  ['read /proc/1/environ', "open('/proc/1/environ')", 'ENOENT', { control: 'any' }],
  ["read the daemon's memory by /proc", "open('/proc/' + AIM.daemonPid + '/mem')", 'ENOENT', { control: 'any' }],
  ["open a descriptor of the daemon's by /proc", "open('/proc/' + AIM.daemonPid + '/fd/0')", 'ENOENT', { control: 'any' }],
  ['list /', "open('/', 0o200000)", 'through'],
  ['list /etc', "open('/etc', 0o200000)", 'ENOENT'],
  ["list the daemon's directory", "open(require('path').dirname(AIM.daemonSocket), 0o200000)", 'ENOENT'],
  ["open the daemon's lock", "open(AIM.daemonSocket + '.lock', 2)", 'ENOENT'],
  ['look at a file (newfstatat)', "sys('newfstatat', AT_FDCWD, at('/etc/passwd'), zeros(256), 0)", 'ENOENT'],
  ['look at a file (statx)', "sys('statx', AT_FDCWD, at('/etc/passwd'), 0, 0xfff, zeros(256))", 'ENOENT'],
  ['look whether a file is there', "sys('faccessat', AT_FDCWD, at('/etc/passwd'), 0)", 'ENOENT'],
  ['read a link', "sys('readlinkat', AT_FDCWD, at('/proc/self/exe'), zeros(256), 256)", 'ENOENT'],
  ['look at a file system', "sys('statfs', at('/etc'), zeros(256))", 'ENOENT', { control: 'any' }],
  ['make a file', "open(AIM.folder + '/x', 0o101, 0o600)", 'ENOENT', { control: 'any' }],
  ['make a file without a name', 'open(AIM.folder, 0o20200001, 0o600)', 'ENOENT', { control: 'any' }],
  ['make a file beside its program', "open('/glovebox/attack', 0o101, 0o600)", 'EROFS', { control: 'ENOENT' }],
  ['make a directory', "sys('mkdirat', AT_FDCWD, at(AIM.folder + '/x.d'), 0o700)", 'ENOENT', { control: 'any' }],
  ['make a link', "sys('symlinkat', at('/etc/passwd'), AT_FDCWD, at(AIM.folder + '/x.l'))", 'ENOENT', { control: 'any' }],
  ['make a device', "sys('mknodat', AT_FDCWD, at(AIM.folder + '/x.n'), 0o20600, 0x103)", 'ENOENT', { control: 'any' }],
  ["remove the daemon's socket", "sys('unlinkat', AT_FDCWD, at(AIM.daemonSocket), 0)", 'ENOENT'],
  ["remove another worker's socket", "sys('unlinkat', AT_FDCWD, at(AIM.siblingSocket), 0)", 'ENOENT', { control: 'any' }],
  ['change a mode', "sys('fchmodat', AT_FDCWD, at(AIM.daemonSocket), 0o777)", 'ENOENT', { control: 'any' }],
  ['cut a file', "sys('truncate', at(AIM.daemonSocket + '.lock'), 0)", 'ENOENT', { control: 'any' }],
  ['change the directory', "sys('chdir', at('/etc'))", 'ENOENT'],
  [
    'take a handle of a file',
    "sys('name_to_handle_at', AT_FDCWD, at('/etc/passwd'), zeros(256), zeros(8), 0)",
    'ENOENT',
    { control: 'any' },
  ],
  ['open a file by a handle', "sys('open_by_handle_at', AT_FDCWD, zeros(256), 0)", 'EPERM', { control: 'EINVAL' }],
  ['watch files (inotify)', "descriptor('inotify_init1', 0)", 'through'],
  ['watch files (fanotify)', "descriptor('fanotify_init', 0, 0)", 'EPERM', { control: 'any' }],
]

const SOCKETS: Group = [
  ['TCP socket', "descriptor('socket', 2, 1, 0)", 'EPERM'],
  ['UDP socket', "descriptor('socket', 2, 2, 0)", 'EPERM'],
  ['TCP socket of IPv6', "descriptor('socket', 10, 1, 0)", 'EPERM', { control: 'any' }],
  ['Unix socket', "descriptor('socket', 1, 1, 0)", 'EPERM'],
  ['netlink socket', "descriptor('socket', 16, 3, 0)", 'EPERM'],
  ['packet socket', "descriptor('socket', 17, 3, 0)", 'EPERM', { control: 'any' }],
  ['VM socket', "descriptor('socket', 40, 1, 0)", 'EPERM', { control: 'any' }],
  ['kernel crypto socket', "descriptor('socket', 38, 5, 0)", 'EPERM', { control: 'any' }],
  ['socket pair', "sys('socketpair', 1, 1, 0, zeros(8))", 'through'],
  ['connect its own socket to the daemon', "sys('connect', 5, unixAddress(AIM.daemonSocket), 110)", 'EPERM', { control: 'ENOENT' }],
  ['connect its own socket to another worker', "sys('connect', 5, unixAddress(AIM.siblingSocket), 110)", 'EPERM', { control: 'any' }],
  ['bind its own socket elsewhere', "sys('bind', 5, unixAddress(AIM.folder + '/x.sock'), 110)", 'ENOENT', { control: 'EINVAL' }],
  ['send to an address', "sys('sendto', 3, zeros(8), 8, 0x4040, unixAddress(AIM.daemonSocket), 110)", 'EISCONN', { control: 'EISCONN' }],
  ['send a descriptor to the daemon', "sys('sendmsg', -1, zeros(56), 0)", 'EBADF', { control: 'EBADF' }],
  ['receive a descriptor', "sys('recvmsg', -1, zeros(56), 0)", 'EBADF', { control: 'EBADF' }],
]

const PROCESSES: Group = [
  // CLONE_SIGHAND without CLONE_VM: where it is let through, the kernel answers EINVAL and no process comes of it.
  ['process (clone)', "sys('clone', 0x800, 0, 0, 0, 0)", 'EPERM', { control: 'EINVAL' }],
  ['process (clone3)', "sys('clone3', 0, 0)", 'ENOSYS', { control: 'EINVAL', L3: 'ENOSYS' }],
  // ENOTDIR where it is let through and there is a shell.
  ['exec of a shell', "sys('execve', at('/bin/sh/x'), 0, 0)", 'ENOENT', { control: 'ENOTDIR' }],
  ['exec of a descriptor', "sys('execveat', 5, at(''), 0, 0, 0x1000)", 'EPERM', { control: 'EACCES' }],
  ['signal 0 to the daemon', "sys('kill', AIM.daemonPid, 0)", 'EPERM'],
  ['signal 0 to its parent', "sys('kill', process.ppid, 0)", 'EPERM'],
  ['signal 0 to another worker', "sys('kill', AIM.siblingPid, 0)", 'EPERM'],
  ['signal 0 to process 1', "sys('kill', 1, 0)", 'EPERM', { control: 'any' }],
  ['signal 0 to its group', "sys('kill', 0, 0)", 'EPERM'],
  ['signal 0 to everyone', "sys('kill', -1, 0)", 'EPERM'],
  ['signal 0 to a thread of the daemon', "sys('tgkill', AIM.daemonPid, AIM.daemonPid, 0)", 'ESRCH'],
  ['signal 0 to a thread of the daemon (tkill)', "sys('tkill', AIM.daemonPid, 0)", 'ESRCH'],
  ['a queued signal to the daemon', "sys('rt_sigqueueinfo', AIM.daemonPid, 0, zeros(128))", 'EPERM', { control: 'EPERM' }],
  ['a handle of the daemon', "descriptor('pidfd_open', AIM.daemonPid, 0)", 'ESRCH', { control: 'any' }],
  ["a descriptor of the daemon's", "sys('pidfd_getfd', 5, 0, 0)", 'EPERM', { control: 'EBADF' }],
  ['signal by a handle', "sys('pidfd_send_signal', 5, 0, 0, 0)", 'EBADF', { control: 'EBADF' }],
  // PTRACE_PEEKDATA: where it is let through, the kernel answers that it traces no such process, and nobody is stopped.
  ['ptrace of the daemon', "sys('ptrace', 2, AIM.daemonPid, 0, 0)", 'EPERM', { control: 'ESRCH' }],
  ['ptrace of process 1', "sys('ptrace', 2, 1, 0, 0)", 'EPERM', { control: 'ESRCH' }],
  [
    "read the daemon's memory",
    "sys('process_vm_readv', AIM.daemonPid, iovec(zeros(8), 8), 1, iovec(0x400000n, 8), 1, 0)",
    'EPERM',
    { control: 'any' },
  ],
  [
    "write the daemon's memory",
    "sys('process_vm_writev', AIM.daemonPid, iovec(zeros(8), 8), 1, iovec(0x400000n, 8), 1, 0)",
    'EPERM',
    { control: 'any' },
  ],
  ["read process 1's memory", "sys('process_vm_readv', 1, iovec(zeros(8), 8), 1, iovec(0x400000n, 8), 1, 0)", 'EPERM', { control: 'any' }],
  ['compare itself with the daemon', "sys('kcmp', process.pid, AIM.daemonPid, 1, 0, 0)", 'ESRCH', { control: 'any' }],
  ["raise the daemon's limits", "sys('prlimit64', AIM.daemonPid, 7, 0, zeros(16))", 'ESRCH', { control: 'any' }],
  ['lower the priority of others', "sys('setpriority', 1, 0, -20)", 'EACCES', { control: 'EACCES' }],
  ['leave its session', "sys('setsid')", 'through', { control: 'any' }],
]

const MEMORY: Group = [
  [
    'map a file to execute',
    "(() => { const fd = sys('openat', AT_FDCWD, at(process.execPath), 0, 0); return sys('mmap', 0, 4096, 5, 2, typeof fd === 'number' ? fd : 0, 0) })()",
    'through',
  ],
  ['map memory to execute', "sys('mmap', 0, 4096, 7, 0x22, -1, 0)", 'through'],
  ['map shared memory', "sys('mmap', 0, 4096, 3, 0x21, -1, 0)", 'through'],
  ['a file in memory', "descriptor('memfd_create', at('x'), 0)", 'EPERM', { control: 'any' }],
  ['System V shared memory', "sys('shmget', 0x676c6f76, 4096, 0)", 'ENOENT', { control: 'any' }],
]

const KERNEL: Group = [
  ['be dumpable again', "sys('prctl', 4, 1, 0, 0, 0)", 'through'],
  ['keep living when the daemon dies', "sys('prctl', 1, 0, 0, 0, 0)", 'through'],
  [
    'raise a limit',
    "(() => { const now = zeros(16); sys('prlimit64', 0, 7, 0, now); const hard = peek(now, 16).readBigUInt64LE(8) + 1n; return sys('prlimit64', 0, 7, at(new Uint8Array(BigUint64Array.of(hard, hard).buffer)), 0) })()",
    'EPERM',
    { control: 'EPERM' },
  ],
  ['user namespace', "sys('unshare', 0x10000000)", 'EPERM', { control: 'any' }],
  ['network namespace', "sys('unshare', 0x40000000)", 'EPERM', { control: 'EPERM' }],
  ['mount namespace', "sys('unshare', 0x20000)", 'EPERM', { control: 'EPERM' }],
  ['enter a namespace', "sys('setns', 5, 0)", 'EPERM', { control: 'EINVAL' }],
  ['mount', "sys('mount', at('none'), at('/'), at('tmpfs'), 0x1000, 0)", 'EPERM', { control: 'EPERM' }],
  ['unmount', "sys('umount2', at('/nowhere'), 0)", 'EPERM', { control: 'ENOENT' }],
  ['pivot_root', "sys('pivot_root', at('/nowhere'), at('/nowhere'))", 'EPERM', { control: 'EPERM' }],
  ['chroot', "sys('chroot', at('/'))", 'EPERM', { control: 'EPERM' }],
  ['open_tree', "descriptor('open_tree', AT_FDCWD, at('/'), 1)", 'EPERM', { control: 'EPERM' }],
  ['move_mount', "sys('move_mount', -1, at(''), -1, at(''), 0)", 'EPERM', { control: 'any' }],
  ['fsopen', "descriptor('fsopen', at('tmpfs'), 0)", 'EPERM', { control: 'EPERM' }],
  ['mount_setattr', "sys('mount_setattr', AT_FDCWD, at('/nowhere'), 0, zeros(32), 32)", 'EPERM', { control: 'any' }],
  ['io_uring_setup', "descriptor('io_uring_setup', 8, zeros(120))", 'ENOSYS', { control: 'ENOSYS', L3: 'ENOSYS' }],
  ['io_uring_enter', "sys('io_uring_enter', -1, 1, 0, 0, 0, 0)", 'ENOSYS', { control: 'any' }],
  ['io_uring_register', "sys('io_uring_register', -1, 0, 0, 0)", 'ENOSYS', { control: 'any' }],
  ['keyctl', "sys('keyctl', 0, -3, 0)", 'EPERM', { control: 'any' }],
  ['add_key', "sys('add_key', at('user'), at('glovebox'), at('x'), 1, -2)", 'EPERM', { control: 'any' }],
  ['request_key', "sys('request_key', at('user'), at('glovebox'), 0, 0)", 'EPERM', { control: 'any' }],
  ['personality', "sys('personality', 0xffffffff)", 'EPERM', { control: 'any' }],
  ['setuid(0)', "sys('setuid', 0)", 'EINVAL', { control: 'EPERM' }],
  ['setgid(0)', "sys('setgid', 0)", 'EINVAL', { control: 'EPERM' }],
  ['setgroups', "sys('setgroups', 1, at(new Uint8Array(4)))", 'EPERM', { control: 'EPERM' }],
  [
    'capset',
    "sys('capset', at(new Uint8Array(Uint32Array.of(0x20080522, 0).buffer)), at(new Uint8Array(Uint32Array.of(0xffffffff, 0xffffffff, 0, 0xff, 0xff, 0).buffer)))",
    'EPERM',
    { control: 'any' },
  ],
  ['sethostname', "sys('sethostname', at('attack'), 6)", 'EPERM', { control: 'EPERM' }],
  ['set the clock', "sys('clock_settime', 0, zeros(16))", 'EPERM', { control: 'EPERM' }],
  ['kernel log', "sys('syslog', 2, zeros(64), 64)", 'EPERM', { control: 'EPERM' }],
  ['process accounting', "sys('acct', 0)", 'EPERM', { control: 'EPERM' }],
  ['quotas', "sys('quotactl', 0x80000100, 0, 0, 0)", 'through', { control: 'any' }],
  ['segment descriptors', "sys('modify_ldt', 0, zeros(64), 64)", 'through', { control: 'any' }],
  ['signal handlers', "sys('rt_sigaction', 10, 0, zeros(32), 8)", 'through', { L3: 'through' }],
  ['another timer', "sys('timer_create', 1, 0, zeros(8))", 'through'],
  ['another filter', "sys('seccomp', 1, 0, zeros(16))", 'EINVAL', { control: 'EINVAL' }],
  ['duplicate a descriptor', "descriptor('dup', 3)", 'through'],
  ['pipe', "sys('pipe2', zeros(8), 0)", 'through'],
]

/** What an attacker has who knows Node: its own interfaces, and what they are built on. */
const NODE: Group = [
  ['fs.readFileSync', "require('fs').readFileSync('/etc/passwd', 'latin1').length", 'ENOENT'],
  [
    'fs.promises.readFile',
    "require('fs').promises.readFile('/etc/passwd', 'latin1').then((text) => text.length)",
    'ENOENT',
    { L3: 'SIGABRT' },
  ],
  ['fs.readdirSync', "require('fs').readdirSync('/etc').length", 'ENOENT'],
  ['fs.writeFileSync', "require('fs').writeFileSync(AIM.folder + '/x.txt', '')", 'ENOENT', { control: 'any' }],
  ['fs.watch', "require('fs').watch('/etc').close()", 'ENOENT'],
  ["process.binding('fs')", "require('fs').closeSync(process.binding('fs').open('/etc/passwd', 0, 0))", 'ENOENT'],
  ["internalBinding('fs')", "require('fs').closeSync(internalBinding('fs').open('/etc/passwd', 0, 0))", 'ENOENT'],
  ['child_process.spawnSync', "const { error } = require('child_process').spawnSync('/bin/true'); if (error) throw error", 'EPERM'],
  [
    'child_process.spawn',
    "new Promise((resolve, reject) => require('child_process').spawn('/bin/true').on('error', reject).on('exit', resolve))",
    'EPERM',
  ],
  [
    'child_process.fork',
    "new Promise((resolve, reject) => require('child_process').fork('/etc/passwd', { stdio: 'ignore' }).on('error', reject).on('exit', resolve))",
    'EPERM',
    { control: 'skip' },
  ],
  [
    'cluster.fork',
    "new Promise((resolve, reject) => require('cluster').fork({}).on('error', reject).on('exit', resolve))",
    'EPERM',
    { control: 'skip' },
  ],
  [
    "internalBinding('spawn_sync')",
    "const { error } = internalBinding('spawn_sync').spawn({ file: '/bin/true', args: ['true'], stdio: [{ type: 'ignore' }] }); if (error < 0) throw Object.assign(new Error('spawn'), { code: NAMES[-error] })",
    'EPERM',
  ],
  [
    'worker_threads.Worker',
    "new Promise((resolve, reject) => { const worker = new (require('worker_threads').Worker)('', { eval: true }); worker.on('error', reject).on('exit', resolve) })",
    'through',
    { L3: 'ERR_WORKER_INIT_FAILED' },
  ],
  [
    'inspector.open',
    "require('inspector').open(0, '127.0.0.1'); if (!require('inspector').url()) throw new Error('no socket')",
    'no socket',
    { L3: 'SIGABRT' },
  ],
  [
    'net.connect to the daemon',
    "new Promise((resolve, reject) => require('net').connect(AIM.daemonSocket).on('connect', () => resolve()).on('error', reject))",
    'EPERM',
    { control: 'ENOENT' },
  ],
  [
    'net.connect to another worker',
    "new Promise((resolve, reject) => require('net').connect(AIM.siblingSocket).on('connect', () => resolve()).on('error', reject))",
    'EPERM',
    { control: 'any' },
  ],
  [
    'net.connect by TCP',
    "new Promise((resolve, reject) => require('net').connect(9, '127.0.0.1').on('connect', () => resolve()).on('error', reject))",
    'EPERM',
    { control: 'any' },
  ],
  [
    'net.createServer',
    "new Promise((resolve, reject) => { const server = require('net').createServer().on('error', reject).listen(0, '127.0.0.1', () => server.close(resolve)) })",
    'EPERM',
    { L2: 'exit code 70' },
  ],
  [
    'dgram',
    "new Promise((resolve, reject) => { const socket = require('dgram').createSocket('udp4').on('error', reject).bind(0, '127.0.0.1', () => socket.close(resolve)) })",
    'EPERM',
  ],
  ['dns.lookup', "require('dns').promises.lookup('localhost')", 'EAI_AGAIN', { L3: 'SIGABRT', control: 'any' }],
  [
    'dns.resolve',
    "new (require('dns').promises.Resolver)({ timeout: 100, tries: 1 }).resolve4('localhost')",
    'ECONNREFUSED',
    { control: 'any', L3: 'ECONNREFUSED' },
  ],
  [
    'http.get',
    "new Promise((resolve, reject) => require('http').get('http://127.0.0.1:9/').on('response', () => resolve()).on('error', reject))",
    'EPERM',
    { control: 'any' },
  ],
  [
    'process.dlopen',
    "opening(() => process.dlopen({ exports: {} }, '/etc/passwd'))",
    'ENOENT',
    { control: 'ERR_DLOPEN_FAILED', L2: 'ERR_DLOPEN_DISABLED' },
  ],
  ['ffi.dlopen of a library', "opening(() => require('node:ffi').dlopen('/etc/passwd', {}))", 'ENOENT', { control: 'ERR_FFI_CALL_FAILED' }],
  [
    'ffi.dlopen of what is loaded',
    "void require('node:ffi').dlopen(null, { getpid: { arguments: [], return: 'int32' } })",
    'through',
    { L3: 'through' },
  ],
  [
    'sqlite',
    "void new (require('node:sqlite').DatabaseSync)(AIM.folder + '/x.db')",
    'ERR_UNKNOWN_BUILTIN_MODULE',
    { control: 'ERR_UNKNOWN_BUILTIN_MODULE', L2: 'ERR_UNKNOWN_BUILTIN_MODULE', L3: 'ERR_UNKNOWN_BUILTIN_MODULE' },
  ],
  ['process.kill of the daemon', 'process.kill(AIM.daemonPid, 0)', 'EPERM', { L2: 'through', all: 'EPERM' }],
  ['process.kill of process 1', 'process.kill(1, 0)', 'EPERM', { control: 'any', L2: 'EPERM' }],
  ['process.setuid', 'process.setuid(0)', 'EINVAL', { control: 'EPERM', L2: 'EPERM' }],
  ['process.chdir', "process.chdir('/etc')", 'ENOENT'],
  [
    'process.report',
    "process.report.directory = AIM.folder; if (!process.report.writeReport('x.json')) throw new Error('no file')",
    'no file',
    { L3: 'no file', control: 'any' },
  ],
  ['v8.writeHeapSnapshot', "require('v8').writeHeapSnapshot(AIM.folder + '/x.heapsnapshot')", 'ENOENT', { control: 'any' }],
]

const GROUPS = { files: FILES, sockets: SOCKETS, processes: PROCESSES, memory: MEMORY, 'the kernel': KERNEL, "Node's interfaces": NODE }

/** What the namespaces alone let through, and why it does no harm there. L3 refuses all of it but the last two. */
const HARMLESS_IN_NAMESPACES: Readonly<Record<string, string>> = {
  'list /': 'a root of its own with nothing in it but its own program',
  'watch files (inotify)': 'there are none but its own',
  'socket pair': 'both ends are its own',
  'leave its session': 'it is killed with its namespace',
  'map a file to execute': 'its own program: nothing else is there',
  'map memory to execute': 'V8 may do that by mprotect',
  'map shared memory': 'shared with nobody; the limits of memory are L3 and L5',
  'be dumpable again': 'there is nobody in its namespace who could trace it',
  'keep living when the daemon dies': "it is killed with its namespace, whose init follows the daemon's death",
  quotas: 'the call without a device only asks for a sync',
  'segment descriptors': 'its own',
  'another timer': 'its own',
  'duplicate a descriptor': 'its own',
  pipe: 'both ends are its own',
  'worker_threads.Worker': 'a thread of its own process',
  'signal handlers': 'its own: who ignores the interrupt is killed',
  'ffi.dlopen of what is loaded': 'functions of its own process; the kernel is asked by all the same calls',
}

type Column = 'control' | 'L2' | 'L3' | 'L4' | 'all'

function expected(group: Group, column: Column): Record<string, string> {
  return Object.fromEntries(
    group.map(([name, , underL4, unusual = {}]) => {
      const { control = 'through', L2 = 'ERR_ACCESS_DENIED', L3 = 'EPERM' } = unusual
      const { all = group === NODE ? L2 : L3 } = unusual
      return [name, { control, L2, L3, L4: underL4, all }[column]]
    }),
  )
}

/** What came of an attempt: `through`, the name of an errno, the code of an error, or how the worker died. */
async function evidence(attempt: Promise<{ readonly threw: boolean; readonly value: unknown; readonly text: string }>): Promise<string> {
  try {
    const { threw, value, text } = await attempt
    if (!threw) return typeof value === 'string' && /^(E[A-Z]|errno )/.test(value) ? value : 'through'
    const { code, message } = (value ?? {}) as { readonly code?: string; readonly message?: string }
    return code ?? message ?? text
  } catch (error) {
    const { report } = error as { readonly report?: Report }
    if (report === undefined) throw error
    return report.signal ?? `exit code ${report.exitCode}`
  }
}

/** A worker that nobody uses yet. */
async function spareOf({ box }: AttackDaemon): Promise<{ readonly pid: number; readonly worker: number }> {
  return eventually('another worker', async () => {
    const { pid = 0, worker } = (await box.status()).workers.find(({ state }) => state === 'spare') ?? {}
    return pid > 0 && worker !== undefined ? { pid, worker } : undefined
  })
}

class Scene implements AsyncDisposable {
  readonly daemon: AttackDaemon
  readonly aim: Aim
  readonly #folder: Disposable

  private constructor(daemon: AttackDaemon, aim: Aim, folder: Disposable) {
    this.daemon = daemon
    this.aim = aim
    this.#folder = folder
  }

  static async open(layers: readonly Layer[], user: User): Promise<Scene> {
    const folder = temporaryDirectory()
    chmodSync(folder.path, 0o777)
    const daemon = await attackDaemon(layers, user)
    // The first context binds one of the spares, and another takes its place.
    await daemon.attack('0')
    const sibling = await spareOf(daemon)
    return new Scene(
      daemon,
      {
        daemonPid: daemon.pid,
        daemonSocket: daemon.socket,
        siblingPid: sibling.pid,
        siblingSocket: join(dirname(daemon.socket), `w${sibling.worker}.sock`),
        folder: folder.path,
      },
      folder,
    )
  }

  async try(source: string): Promise<string> {
    return evidence(this.daemon.attack(prelude(this.aim) + source))
  }

  async tryAll(group: Group): Promise<Record<string, string>> {
    const outcomes: Record<string, string> = {}
    for (const [name, source] of group) outcomes[name] = await this.try(source)
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }
}

/** One daemon for the tests of a suite. Each test gets it, or is skipped with the reason why there is none. */
function sceneOf(layers: readonly Layer[], user: User): (ctx: TestContext) => Scene {
  let scene: Scene | undefined
  let missing = user.missing
  beforeAll(async () => {
    if (missing !== undefined) return
    try {
      scene = await Scene.open(layers, user)
    } catch (error) {
      const { message } = error as Error
      // A machine without bubblewrap, or that does not let it work.
      if (!layers.includes('L4') || !message.startsWith('ERR_CONFINEMENT')) throw error
      missing = message
    }
  })
  afterAll(async () => scene?.[Symbol.asyncDispose]())
  return (ctx) => {
    if (scene === undefined) ctx.skip(missing)
    return scene as Scene
  }
}

/** Calls that no part of Node makes: they do not fail, they kill. */
const KILLED: readonly (readonly [name: string, source: string])[] = [
  ['bpf', "sys('bpf', 0, 0, 0)"],
  ['perf_event_open', "sys('perf_event_open', 0, 0, -1, -1, 0)"],
  ['userfaultfd', "sys('userfaultfd', 0)"],
  ['init_module', "sys('init_module', 0, 0, 0)"],
  ['finit_module', "sys('finit_module', -1, 0, 0)"],
  ['delete_module', "sys('delete_module', 0, 0)"],
  ['kexec_load', "sys('kexec_load', 0, 0, 0, 0)"],
  ['kexec_file_load', "sys('kexec_file_load', -1, -1, 0, 0, 0)"],
  ['reboot', "sys('reboot', 0, 0, 0, 0)"],
  ['swapon', "sys('swapon', 0, 0)"],
  ['swapoff', "sys('swapoff', 0)"],
  ...(process.arch === 'x64'
    ? ([
        ['iopl', "sys('iopl', 3)"],
        ['ioperm', "sys('ioperm', 0, 1, 1)"],
      ] as const)
    : []),
]

/** What a worker's descriptors are: numbers and kinds. */
const SCAN = `(() => {
  const found = []
  for (let fd = 0; fd < 256; fd++) {
    const stat = zeros(256)
    if (sys('fstat', fd, stat) === 'EBADF') continue
    const mode = peek(stat, 32).readUInt32LE(process.arch === 'arm64' ? 16 : 24) >> 12
    let kind = { 0: 'event', 1: 'pipe', 2: 'device', 4: 'directory', 8: 'file', 12: 'socket' }[mode] ?? 'mode ' + mode
    if (kind === 'socket') {
      const [value, length, address, size] = [zeros(8), at(Uint8Array.of(4, 0, 0, 0)), zeros(128), at(Uint8Array.of(110, 0, 0, 0))]
      sys('getsockopt', fd, 1, 30, value, length)
      sys('getsockname', fd, address, size)
      const path = peek(address, 110).toString('latin1', 2).replaceAll('\\0', '')
      kind = (peek(value, 1)[0] === 1 ? 'listening socket' : 'socket') + (path === '' ? '' : ' of ' + require('path').basename(path).replace(/\\d+/, 'N'))
    }
    found.push(fd + ' ' + kind)
  }
  return found
})()`

/** The descriptors of a worker that serves one channel. libuv keeps one to give up when there are no more: of /dev/null, or where that is not, of its root. */
const descriptors = (reserve: 'device' | 'directory'): string[] =>
  `device,device,socket,socket,${reserve},listening socket of wN.sock,event,pipe,pipe,pipe,pipe,event,event,pipe,pipe,event,event,pipe,pipe,event,socket of wN.sock`
    .split(',')
    .map((kind, fd) => `${fd} ${kind}`)

async function checkGroup(scene: Scene, group: Group, column: Column): Promise<void> {
  const wanted = expected(group, column)
  const outcomes = await scene.tryAll(group.filter(([name]) => wanted[name] !== 'skip'))
  for (const name of Object.keys(wanted)) {
    if (wanted[name] === 'any') wanted[name] = outcomes[name] as string
    else if (wanted[name] === 'skip') delete wanted[name]
  }
  expect(outcomes).toEqual(wanted)
}

const [root, ordinary] = users() as [User, User]

// As root, some attempts would change the machine if nothing stopped them.
describe('no layer but the process, to see that the attempts would work', () => {
  const sceneFor = sceneOf(['L1'], ordinary)
  test.for(Object.entries(GROUPS))('%s', async ([, group], ctx) => checkGroup(sceneFor(ctx), group, 'control'))
})

describe("L2 alone, which knows Node's interfaces only", () => {
  const sceneFor = sceneOf(['L1', 'L2'], ordinary)
  test("Node's interfaces", async (ctx) => checkGroup(sceneFor(ctx), NODE, 'L2'))
})

const CONFINED: readonly (readonly [title: string, column: Column, layers: readonly Layer[]])[] = [
  ['L3 alone', 'L3', ['L1', 'L3']],
  ['L4 alone', 'L4', ['L1', 'L4']],
  ['L1 to L4', 'all', ['L1', 'L2', 'L3', 'L4']],
]

describe.each(
  CONFINED.flatMap(([title, column, layers]) =>
    [root, ordinary].map((user) => ({ title: `${title}, the daemon runs as ${user.name}`, user, column, layers })),
  ),
)('$title', ({ user, column, layers }) => {
  const sceneFor = sceneOf(layers, user)

  test.for(Object.entries(GROUPS))('%s', async ([, group], ctx) => checkGroup(sceneFor(ctx), group, column))

  test('calls that kill', async (ctx) => {
    const { daemon, aim } = sceneFor(ctx)
    const outcomes = await Promise.all(
      KILLED.map(async ([name, source]) => [name, await evidence(daemon.attackOnce(prelude(aim) + source))] as const),
    )
    // L4 leaves it to the kernel, which may not have the call.
    const wanted = column === 'L4' ? ['EPERM', 'ENOSYS'] : ['SIGSYS']
    expect(outcomes.filter(([, outcome]) => !wanted.includes(outcome))).toEqual([])
  })

  test('it may end itself, and its report says how', async (ctx) => {
    const { daemon } = sceneFor(ctx)
    const ways = [
      'process.abort()',
      'process.reallyExit(70)',
      "process.kill(process.pid, 'SIGTERM')",
      "process.kill(process.pid, 'SIGKILL')",
    ]
    const outcomes = await Promise.all(ways.map(async (way) => evidence(daemon.attackOnce(way))))
    expect(outcomes).toEqual(['SIGABRT', 'exit code 70', 'SIGTERM', 'SIGKILL'])
  })

  test('SIGTERM reaches nobody', async (ctx) => {
    const { daemon, aim } = sceneFor(ctx)
    const { value: parent } = await daemon.attack('process.ppid')
    const { pid: sibling } = await spareOf(daemon)
    for (const pid of [aim.daemonPid, sibling, Number(parent)].filter((each) => each > 0)) {
      const { value } = await daemon.attack(
        `${prelude(aim)}[sys('kill', ${pid}, 15), sys('tgkill', ${pid}, ${pid}, 15), sys('tkill', ${pid}, 15)]`,
      )
      // Where it is process 1 of its namespace, that one takes no signals.
      for (const outcome of value as unknown[]) expect(['EPERM', 'ESRCH', ...(pid === 1 ? [0] : [])]).toContain(outcome)
    }
    expect([lives(aim.daemonPid), lives(sibling)]).toEqual([true, true])
    await expect(daemon.attack('6 * 7')).resolves.toMatchObject({ value: 42 })
  })

  test('it has descriptors of its own only, no environment, harmless arguments and a bare realm', async (ctx) => {
    const { daemon, aim } = sceneFor(ctx)
    await rested(daemon.box)
    const { value: found } = await daemon.attackOnce(prelude(aim) + SCAN)
    const sandboxed = layers.includes('L4')
    expect(found).toEqual(descriptors(sandboxed ? 'directory' : 'device'))
    const { value } = await daemon.attack('[process.env, process.argv.slice(2), Reflect.ownKeys(globalThis)]')
    const [env, args, globals] = value as [object, string[], string[]]
    // bubblewrap sets that one.
    expect(env).toEqual(sandboxed ? { PWD: '/glovebox' } : {})
    expect(args).toEqual([sandboxed ? '0' : String(aim.daemonPid)])
    const known = new Set(Object.getOwnPropertyNames(new vm.Script('globalThis').runInNewContext()))
    expect(globals.filter((name) => !known.has(name))).toEqual([])
    expect(globals).not.toContain('WebAssembly')
  })
})

describe('node test/support/attack.mjs', () => {
  test.for<[source: string, layers: string, code: number, said: string | RegExp]>([
    ['6 * 7', 'L1,L2,L3', 0, '42\n'],
    ["Promise.resolve(require('fs').existsSync('/proc/self'))", 'L1', 0, 'true\n'],
    ["require('fs').readFileSync('/etc/passwd')", 'L1,L3', 1, /^threw Error: EPERM: operation not permitted, open '\/etc\/passwd'/],
    [
      "[typeof syscall(1, -1, 0, 0), typeof at('x'), typeof daemonPid, typeof daemonSocket].join()",
      'L1,L3',
      0,
      "'number,bigint,number,string'\n",
    ],
    ["process.kill(process.pid, 'SIGTERM')", 'L1,L3', 2, /^the worker died of it: worker \d+ was killed by SIGTERM/],
  ])('%s under %s: exit code %d', async ([source, layers, code, said]) => {
    await using command = new Command(ATTACK, ['-', '--layers', layers], {}, source)
    expect(await command.ended).toMatchObject({ code, [code === 2 ? 'stderr' : 'stdout']: textLike(said) })
  })

  test('without bubblewrap, under L4: exit code 3', async () => {
    await using command = new Command(ATTACK, ['-', '--layers', 'L1,L4'], { PATH: '/nonexistent' }, '1')
    expect(await command.ended).toMatchObject({ code: 3, stderr: textLike(/bubblewrap is not installed/) })
  })

  test('--help', async () => {
    await using command = new Command(ATTACK, ['--help'], {})
    expect(await command.ended).toMatchObject({ code: 0, stdout: textLike(/^Usage: /), stderr: '' })
  })
})

test('what the namespaces let through is known, with the reason why it does no harm', () => {
  const through = Object.values(GROUPS).flatMap((group) => group.filter(([, , underL4]) => underL4 === 'through').map(([name]) => name))
  expect(through.toSorted()).toEqual(Object.keys(HARMLESS_IN_NAMESPACES).toSorted())
})

const NOTHING: Aim = { daemonPid: 0, daemonSocket: '', siblingPid: 0, siblingSocket: '', folder: '' }

test.for<[layers: readonly Layer[], reserve: 'device' | 'directory']>([
  [['L1', 'L3'], 'device'],
  [['L1', 'L4'], 'directory'],
])('a descriptor that the daemon was started with does not reach a worker: %s', async ([layers, reserve], ctx) => {
  const missing = layers.includes('L4') ? await noSandbox() : undefined
  if (missing !== undefined) ctx.skip(missing)
  // Node itself sees to those at the beginning.
  await using daemon = await attackDaemon(layers, undefined, { inherited: 200 })
  const { value } = await daemon.attack(prelude(NOTHING) + SCAN)
  expect(value).toEqual(descriptors(reserve))
})
