import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeProgram, VERDICT } from '../../src/confinement/bpf.ts'
import { namespacePolicy } from '../../src/confinement/namespace-policy.ts'
import { compileFilter, type FilterPolicy, type Rule } from '../../src/confinement/seccomp-filter.ts'
import { AUDIT_ARCH, type FilterArch, type SyscallName, syscallNumber } from '../../src/confinement/syscall-numbers.ts'
import { workerPolicy } from '../../src/confinement/worker-policy.ts'
import { runFilter } from '../support/bpf-interpreter.ts'

type Args = readonly (number | bigint)[]

const ARCHES: readonly FilterArch[] = ['x64', 'arm64']
const PID = 4321
/** Well beyond the calls that exist. */
const MAX_NUMBER = 1_023
/** A value that a careless filter takes for `low`, because it looks at 32 bits. */
const above = (low: number): bigint => 0x1_0000_0000n + BigInt(low)

const ALLOW = VERDICT.allow
const EPERM = VERDICT.errno(1)
const ENOSYS = VERDICT.errno(38)
const KILL = VERDICT.killProcess

class Filter {
  readonly #program: Uint8Array
  readonly #arch: FilterArch

  constructor(policy: FilterPolicy, arch: FilterArch) {
    this.#program = encodeProgram(compileFilter(policy, arch))
    this.#arch = arch
  }

  number(number: number, args: Args = [], arch: number = AUDIT_ARCH[this.#arch]): number {
    return runFilter(this.#program, { number, arch, args })
  }

  /** `undefined` where the architecture does not have the call. */
  call(name: SyscallName, args: Args = []): number | undefined {
    const number = syscallNumber(name, this.#arch)
    return number === undefined ? undefined : this.number(number, args)
  }
}

/** Names by number. */
function namesOn(arch: FilterArch, names: readonly SyscallName[]): Map<number, SyscallName> {
  return new Map(names.flatMap((name) => (syscallNumber(name, arch) === undefined ? [] : [[syscallNumber(name, arch) as number, name]])))
}

/** Calls that a worker may make with any arguments: on descriptors and memory that it has, on its own threads, on the clock. */
const ALLOWED: readonly SyscallName[] = [
  'ppoll',
  'timer_settime',
  'epoll_pwait',
  'epoll_wait',
  'epoll_ctl',
  'read',
  'readv',
  'write',
  'writev',
  'close',
  'fstat',
  'shutdown',
  'accept4',
  'getsockopt',
  'getsockname',
  'getpeername',
  'futex',
  'madvise',
  'munmap',
  'mremap',
  'brk',
  'membarrier',
  'rseq',
  'set_robust_list',
  'getpid',
  'gettid',
  'clock_gettime',
  'clock_getres',
  'gettimeofday',
  'clock_nanosleep',
  'nanosleep',
  'sched_yield',
  'sched_getparam',
  'sched_getscheduler',
  'sched_getaffinity',
  'getrusage',
  'getrandom',
  'rt_sigprocmask',
  'rt_sigaction',
  'rt_sigreturn',
  'sigaltstack',
  'restart_syscall',
  'exit',
  'exit_group',
]
/** Calls that it may make with some arguments. */
const CONDITIONAL: readonly SyscallName[] = ['mmap', 'mprotect', 'pkey_mprotect', 'kill', 'tgkill', 'prctl', 'fcntl', 'ioctl']
const ABSENT: readonly SyscallName[] = ['clone3', 'io_uring_setup']
const KILLED: readonly SyscallName[] = [
  'bpf',
  'perf_event_open',
  'userfaultfd',
  'init_module',
  'finit_module',
  'delete_module',
  'kexec_load',
  'kexec_file_load',
  'reboot',
  'swapon',
  'swapoff',
  'iopl',
  'ioperm',
]

describe.each(ARCHES)("a worker's filter on %s", (arch) => {
  const filter = new Filter(workerPolicy(PID), arch)

  test('decides each call by its number, and refuses those that it does not know', () => {
    const allowed = namesOn(arch, ALLOWED)
    const absent = namesOn(arch, ABSENT)
    const killed = namesOn(arch, KILLED)
    const conditional = namesOn(arch, CONDITIONAL)
    const wrong: string[] = []
    for (let number = 0; number <= MAX_NUMBER; number++) {
      if (conditional.has(number)) continue
      const wanted = allowed.has(number) ? ALLOW : absent.has(number) ? ENOSYS : killed.has(number) ? KILL : EPERM
      for (const args of [[], [-1, -1, -1, -1, -1, -1], [PID, PID, PID, PID, PID, PID]])
        if (filter.number(number, args) !== wanted) wrong.push(`${number}(${args.join()}): ${filter.number(number, args).toString(16)}`)
    }
    expect(wrong).toEqual([])
    expect([allowed, absent, killed].map(({ size }) => size)).toEqual(
      arch === 'x64' ? [ALLOWED.length, 2, KILLED.length] : [ALLOWED.length - 1, 2, KILLED.length - 2],
    )
  })

  test.each<[call: SyscallName, what: string, args: Args, verdict: number]>([
    // address, length, protection, flags, descriptor, offset
    ['mmap', 'anonymous private memory', [0, 4096, 3, 0x22, -1, 0], ALLOW],
    ['mmap', 'the same without access, for later', [0, 2 ** 32, 0, 0x4022, -1, 0], ALLOW],
    ['mmap', 'at a fixed address', [0x10000, 4096, 3, 0x32, -1, 0], ALLOW],
    ['mmap', 'a descriptor of -1 as 32 bits', [0, 4096, 3, 0x22, 0xffffffff, 0], ALLOW],
    ['mmap', 'executable', [0, 4096, 4, 0x22, -1, 0], EPERM],
    ['mmap', 'readable and executable', [0, 4096, 5, 0x22, -1, 0], EPERM],
    ['mmap', 'readable, writable and executable', [0, 4096, 7, 0x22, -1, 0], EPERM],
    ['mmap', 'an unknown protection', [0, 4096, 0x01000003, 0x22, -1, 0], EPERM],
    ['mmap', 'a protection with an upper half', [0, 4096, above(3), 0x22, -1, 0], EPERM],
    ['mmap', 'a file', [0, 4096, 1, 0x02, 3, 0], EPERM],
    ['mmap', 'a descriptor, though anonymous', [0, 4096, 3, 0x22, 0, 0], EPERM],
    ['mmap', 'a descriptor whose lower half is 3', [0, 4096, 1, 0x02, above(3), 0], EPERM],
    ['mmap', 'another negative descriptor', [0, 4096, 3, 0x22, -2, 0], EPERM],
    ['mmap', 'growing downwards', [0, 4096, 3, 0x122, -1, 0], EPERM],
    ['mmap', 'locked', [0, 4096, 3, 0x2022, -1, 0], EPERM],
    ['mmap', 'huge pages', [0, 4096, 3, 0x40022, -1, 0], EPERM],
    ['mmap', 'populated', [0, 4096, 3, 0x8022, -1, 0], EPERM],
    // RLIMIT_DATA does not count it.
    ['mmap', 'shared', [0, 4096, 3, 0x21, -1, 0], EPERM],
    ['mmap', 'shared, validated', [0, 4096, 3, 0x23, -1, 0], EPERM],
    ['mmap', 'flags with an upper half', [0, 4096, 3, above(0x22), -1, 0], EPERM],

    // address, length, protection
    ['mprotect', 'nothing', [0, 4096, 0], ALLOW],
    ['mprotect', 'readable and executable', [0, 4096, 5], ALLOW],
    ['mprotect', 'readable, writable and executable, as V8 has it for code', [0, 4096, 7], ALLOW],
    ['mprotect', 'growing downwards', [0, 4096, 0x01000003], EPERM],
    ['mprotect', 'an upper half', [0, 4096, above(7)], EPERM],
    ['pkey_mprotect', 'readable, writable and executable', [0, 4096, 7, 1], ALLOW],
    ['pkey_mprotect', 'an upper half', [0, 4096, above(7), 1], EPERM],

    // process, signal. A pid is an int: the kernel ignores the upper half.
    ['kill', 'abort', [PID, 6], ALLOW],
    ['kill', 'its own interrupt', [PID, 2], ALLOW],
    ['kill', 'SIGKILL', [PID, 9], ALLOW],
    ['kill', 'SIGTERM', [PID, 15], ALLOW],
    ['kill', 'a pid with an upper half, which is the same process', [above(PID), 6], ALLOW],
    ['kill', 'SIGSTOP to itself: the daemon would wait', [PID, 19], EPERM],
    ['kill', 'itself with signal 0', [PID, 0], EPERM],
    ['kill', 'another process', [PID + 1, 6], EPERM],
    ['kill', 'process 1', [1, 15], EPERM],
    ['kill', 'its group', [0, 15], EPERM],
    ['kill', 'its group by number', [-PID, 15], EPERM],
    ['kill', 'every process', [-1, 9], EPERM],
    // process, thread, signal
    ['tgkill', 'abort', [PID, PID + 3, 6], ALLOW],
    ['tgkill', 'the interrupt', [PID, PID, 2], ALLOW],
    ['tgkill', 'another process, by a thread number of its own', [PID + 1, PID, 6], EPERM],
    ['tgkill', 'SIGUSR1, which starts an inspector', [PID, PID, 10], EPERM],
    ['tgkill', 'signal 0', [PID, PID, 0], EPERM],

    ['prctl', 'PR_SET_NAME', [15, 0], ALLOW],
    ['prctl', 'PR_SET_VMA', [0x53564d41, 0, 0, 0, 0], ALLOW],
    ['prctl', 'PR_SET_DUMPABLE', [4, 1], EPERM],
    ['prctl', 'PR_SET_PDEATHSIG', [1, 0], EPERM],
    ['prctl', 'PR_SET_MM', [35, 8], EPERM],
    ['prctl', 'PR_SET_SECCOMP', [22, 2], EPERM],
    ['prctl', 'PR_SET_PTRACER', [0x59616d61, -1], EPERM],
    ['fcntl', 'F_GETFD', [3, 1], ALLOW],
    ['fcntl', 'F_GETFL', [3, 3], ALLOW],
    ['fcntl', 'F_SETFL', [3, 4, 0x800], ALLOW],
    ['fcntl', 'F_DUPFD', [3, 0, 0], EPERM],
    ['fcntl', 'F_SETLK', [3, 6, 0], EPERM],
    ['fcntl', 'F_SETOWN', [3, 8, 1], EPERM],
    ['fcntl', 'F_SETPIPE_SZ', [3, 1031, 1 << 20], EPERM],
    ['fcntl', 'F_ADD_SEALS', [3, 1033, 0], EPERM],
    ['ioctl', 'FIONBIO', [3, 0x5421, 0], ALLOW],
    ['ioctl', 'FIONBIO with an upper half, which is ignored', [3, above(0x5421), 0], ALLOW],
    ['ioctl', 'TIOCSTI', [0, 0x5412, 0], EPERM],
    ['ioctl', 'FIOASYNC', [3, 0x5452, 0], EPERM],
  ])('%s: %s', (call, _what, args, verdict) => {
    expect(filter.call(call, args)).toBe(verdict)
  })

  test('another architecture kills, whatever the call', () => {
    const others = [0x40000003, 0x40000028, 0xc0000015, 0, AUDIT_ARCH[arch === 'x64' ? 'arm64' : 'x64']]
    for (const other of others) for (const number of [0, 1, 3, 11, 64, 120, MAX_NUMBER]) expect(filter.number(number, [], other)).toBe(KILL)
  })

  test('large numbers are refused, those of x32 among them', () => {
    const numbers = [0x40000000, 0x40000001, 0x400000e7, 0x40000201, 0x7fffffff, 0x80000000, 0xc0000001, 0xffffffff]
    for (const number of numbers) expect(filter.number(number, [PID, 6])).toBe(EPERM)
  })

  test('fits what a jump can span, with room', () => {
    const program = compileFilter(workerPolicy(0x7fffffff), arch)
    expect(Math.max(...program.map(({ whenTrue, whenFalse }) => Math.max(whenTrue, whenFalse)))).toBeLessThan(64)
    expect(program.length).toBeLessThan(300)
  })
})

/** What no worker does at any time: bubblewrap's own filter. */
const NOT_IN_SANDBOX: readonly SyscallName[] = [
  'socket',
  'connect',
  'fork',
  'vfork',
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'pidfd_getfd',
  'unshare',
  'setns',
  'mount',
  'umount2',
  'pivot_root',
  'chroot',
  'open_tree',
  'move_mount',
  'fsopen',
  'mount_setattr',
  'open_by_handle_at',
  'keyctl',
  'add_key',
  'request_key',
  'memfd_create',
  'execveat',
  'personality',
  'bpf',
  'perf_event_open',
  'userfaultfd',
]
const NOT_THERE_IN_SANDBOX: readonly SyscallName[] = ['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register']

describe.each(ARCHES)("the sandbox's filter on %s", (arch) => {
  const filter = new Filter(namespacePolicy, arch)

  test('refuses what no worker does at any time, and nothing else', () => {
    const refused = namesOn(arch, NOT_IN_SANDBOX)
    const absent = namesOn(arch, NOT_THERE_IN_SANDBOX)
    const conditional = namesOn(arch, ['clone', 'kill'])
    const wrong: string[] = []
    for (let number = 0; number <= MAX_NUMBER; number++) {
      if (conditional.has(number)) continue
      const wanted = refused.has(number) ? EPERM : absent.has(number) ? ENOSYS : ALLOW
      for (const args of [[], [-1, -1, -1, -1, -1, -1]])
        if (filter.number(number, args) !== wanted) wrong.push(`${number}(${args.join()}): ${filter.number(number, args).toString(16)}`)
    }
    expect(wrong).toEqual([])
  })

  test.each<[call: SyscallName, what: string, args: Args, verdict: number]>([
    // What pthread_create asks for.
    ['clone', 'a thread', [0x3d0f00, 0, 0, 0, 0], ALLOW],
    ['clone', 'a process, as fork() does', [0x1200011, 0, 0, 0, 0], EPERM],
    ['clone', 'a process that shares memory, as posix_spawn() does', [0x4111, 0, 0, 0, 0], EPERM],
    ['clone', 'a process in a new user namespace', [0x10000011, 0, 0, 0, 0], EPERM],
    // The kernel looks at the lower half only.
    ['clone', 'a process, with the bit of a thread in the upper half', [0x1_0000_0000_0011n | (0x10000n << 32n), 0, 0, 0, 0], EPERM],
    ['kill', 'the worker itself', [2, 6], ALLOW],
    ['kill', "the sandbox's init", [1, 9], EPERM],
    ['kill', 'its group', [0, 9], EPERM],
    ['kill', 'everyone', [-1, 9], EPERM],
    ['kill', 'another', [3, 9], EPERM],
  ])('%s: %s', (call, _what, args, verdict) => {
    expect(filter.call(call, args)).toBe(verdict)
  })

  test('other architectures kill, and x32, which only x86-64 has, is refused', () => {
    expect(filter.number(1, [], 0x40000003)).toBe(KILL)
    expect(filter.number(0x40000001)).toBe(arch === 'x64' ? EPERM : ALLOW)
  })
})

describe('a policy', () => {
  const rule = (verdict: number, when?: Rule['when']): Rule => ({
    call: 'read',
    verdict,
    reason: 'a test',
    ...(when === undefined ? {} : { when }),
  })
  const verdictOf = (rules: readonly Rule[], args: Args): number =>
    new Filter({ rules, otherwise: ALLOW }, 'x64').number(syscallNumber('read', 'x64') as number, args)

  test('rules for one call are alternatives, the first that applies decides', () => {
    const rules = [
      rule(VERDICT.errno(1), [{ argument: 0, oneOf: [1, 2] }]),
      rule(VERDICT.errno(2), [{ argument: 0, oneOf: [2, 3] }]),
      rule(VERDICT.errno(3), [{ argument: 0, within: 0b1100 }]),
      rule(VERDICT.errno(4), [{ argument: 5, hasBit: 8 }]),
    ]
    const outcomes = [1, 2, 3, 4, 12, 16].map((value) => verdictOf(rules, [value]))
    expect(outcomes).toEqual([1, 1, 2, 3, 3].map(VERDICT.errno).concat(ALLOW))
    expect(verdictOf(rules, [16, 0, 0, 0, 0, 8])).toBe(VERDICT.errno(4))
  })

  test('all conditions of a rule must hold, each on its own argument', () => {
    const rules = [0, 1, 2, 3, 4, 5].map((argument) => ({ argument, oneOf: [argument + 10, argument + 20] }))
    const args = [10, 21, 12, 23, 14, 25]
    expect(verdictOf([rule(EPERM, rules)], args)).toBe(EPERM)
    for (const index of args.keys()) {
      expect(verdictOf([rule(EPERM, rules)], args.with(index, 9))).toBe(ALLOW)
      expect(
        verdictOf(
          [rule(EPERM, rules)],
          args.map((value, at) => (at === index ? above(value) : value)),
        ),
      ).toBe(ALLOW)
    }
  })

  test('a rule that is too long for a jump is not compiled', () => {
    const long = rule(EPERM, [{ argument: 0, oneOf: Array.from({ length: 260 }, (_, index) => index) }])
    expect(() => encodeProgram(compileFilter({ rules: [long], otherwise: ALLOW }, 'x64'))).toThrow('a jump too far')
  })
})

describe('numbers of system calls', () => {
  test.for<[arch: FilterArch, header: string, sample: Partial<Record<SyscallName, number>>]>([
    ['x64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h', { read: 0, mmap: 9, execve: 59, openat: 257, seccomp: 317, clone3: 435 }],
    ['arm64', '/usr/include/asm-generic/unistd.h', { read: 63, mmap: 222, execve: 221, openat: 56, seccomp: 277, clone3: 435 }],
  ])("are the kernel's on %s", ([arch, header, sample], { skip }) => {
    for (const [name, number] of Object.entries(sample)) expect(syscallNumber(name as SyscallName, arch)).toBe(number)
    let text = ''
    try {
      text = readFileSync(header, 'latin1')
    } catch {
      skip(`${header} is not installed: only a sample was compared`)
    }
    const names = [
      ...ALLOWED,
      ...CONDITIONAL,
      ...ABSENT,
      ...KILLED,
      ...NOT_IN_SANDBOX,
      ...NOT_THERE_IN_SANDBOX,
      'execve',
      'openat',
    ] as const
    const there = new Map([...text.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm)].map(([, name, number]) => [name, Number(number)]))
    for (const name of names) expect([name, syscallNumber(name, arch)]).toEqual([name, there.get(name)])
  })
})
