import { VERDICT } from './bpf.ts'
import type { FilterPolicy, Rule } from './seccomp-filter.ts'
import type { SyscallName } from './syscall-numbers.ts'

const EPERM = 1
const ENOSYS = 38

/** mmap and mprotect: PROT_READ, PROT_WRITE, PROT_EXEC. */
const PROT_RW = 0b011
const PROT_RWX = 0b111
/** MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE, MAP_STACK, MAP_FIXED_NOREPLACE. Not MAP_SHARED: RLIMIT_DATA does not count such memory. */
const MAP_FLAGS = 0x02 | 0x10 | 0x20 | 0x4000 | 0x20000 | 0x100000
const MINUS_ONE = 0xffffffff
/** SIGINT, SIGABRT, SIGKILL, SIGTERM. */
const SIGNALS_TO_SELF = [2, 6, 9, 15]
const FIONBIO = 0x5421
const PR_SET_NAME = 15
const PR_SET_VMA = 0x53564d41
/** F_GETFD, F_SETFD, F_GETFL, F_SETFL. */
const FCNTL_FLAGS = [1, 2, 3, 4]

const allow = (call: SyscallName, reason: string, when?: Rule['when']): Rule => ({
  call,
  verdict: VERDICT.allow,
  reason,
  ...(when === undefined ? {} : { when }),
})
const refuse = (call: SyscallName, errno: number, reason: string): Rule => ({ call, verdict: VERDICT.errno(errno), reason })
const kill = (call: SyscallName, reason: string): Rule => ({ call, verdict: VERDICT.killProcess, reason })

/**
 * What a worker may ask of the kernel once a guest can run in it. Everything else fails with EPERM. Opening, connecting, making processes or threads, signalling others, tracing, namespaces and mounts are not in the list; they
 * fail, because the worker tries them on itself when it starts. What no worker ever tries kills.
 */
export function workerPolicy(pid: number): FilterPolicy {
  const own = { argument: 0, int: true, oneOf: [pid] } as const
  return {
    otherwise: VERDICT.errno(EPERM),
    rules: [
      // The hot path first: the kernel walks the list for every call.
      allow('timer_settime', 'the deadline of each run'),
      allow('epoll_pwait', 'event loop'),
      allow('epoll_wait', 'event loop'),
      allow('read', 'channels and the control pipe: descriptors it has'),
      allow('write', 'the same'),
      allow('futex', 'locks of V8 and libuv'),
      allow('madvise', 'garbage collection gives memory back'),
      allow('mprotect', 'V8 makes pages readable, writable and, for compiled code, executable', [{ argument: 2, within: PROT_RWX }]),
      allow('pkey_mprotect', 'the same on processors with protection keys', [{ argument: 2, within: PROT_RWX }]),
      allow('munmap', 'garbage collection'),
      allow('mmap', 'heap and buffers: anonymous memory only, never a file, never executable', [
        { argument: 2, within: PROT_RW },
        { argument: 3, within: MAP_FLAGS },
        { argument: 4, int: true, oneOf: [MINUS_ONE] },
      ]),
      allow('brk', 'malloc'),
      allow('mremap', 'malloc grows large blocks'),
      allow('ppoll', 'a guest that waits for a host call: descriptors it has'),
      allow('readv', 'libuv'),
      allow('writev', 'libuv writes gathered answers'),
      allow('accept4', 'new channels on its own socket'),
      allow('epoll_ctl', 'watching a new channel'),
      allow('close', 'closed channels'),
      allow('shutdown', 'a channel that ends'),
      allow('getsockopt', 'libuv asks for the error of a socket'),
      allow('getsockname', 'libuv'),
      allow('getpeername', 'libuv'),
      allow('fstat', 'descriptors it has'),
      allow('getpid', 'libuv asks after each fork that could have been'),
      allow('gettid', 'V8'),
      allow('clock_gettime', 'where the vDSO does not serve it'),
      allow('clock_getres', 'libuv'),
      allow('gettimeofday', 'where the vDSO does not serve it'),
      allow('clock_nanosleep', 'V8 backs off while threads wait for each other'),
      allow('nanosleep', 'the same'),
      allow('sched_yield', 'V8 spins'),
      allow('sched_getparam', 'glibc, when a thread looks at its own priority'),
      allow('sched_getscheduler', 'the same'),
      allow('sched_getaffinity', 'V8 and glibc count processors'),
      allow('getrusage', 'CPU time of a run'),
      allow('getrandom', 'Math.random seeds, hash seeds of new contexts'),
      allow('rt_sigprocmask', 'around thread starts and aborts'),
      allow('rt_sigaction', 'Node takes its handlers down when it exits, and aborts if it cannot'),
      allow('rt_sigreturn', 'after each signal'),
      allow('sigaltstack', 'WebAssembly trap handler'),
      allow('membarrier', 'V8 after it wrote code'),
      allow('rseq', 'glibc'),
      allow('set_robust_list', 'glibc'),
      allow('restart_syscall', 'the kernel, after a stop'),
      allow('exit', 'a thread ends'),
      allow('exit_group', 'the end'),
      // An abort sends SIGABRT to itself; the profiler and others of a thread group get nothing.
      allow('tgkill', 'abort()', [own, { argument: 2, int: true, oneOf: SIGNALS_TO_SELF }]),
      allow('kill', 'the same', [own, { argument: 1, int: true, oneOf: SIGNALS_TO_SELF }]),
      allow('prctl', 'V8 names memory and threads', [{ argument: 0, int: true, oneOf: [PR_SET_VMA, PR_SET_NAME] }]),
      allow('fcntl', 'libuv looks at the flags of a descriptor', [{ argument: 1, int: true, oneOf: FCNTL_FLAGS }]),
      allow('ioctl', 'libuv sets a descriptor non-blocking', [{ argument: 1, int: true, oneOf: [FIONBIO] }]),
      refuse('clone3', ENOSYS, 'glibc then tries clone, which is refused'),
      refuse('io_uring_setup', ENOSYS, 'as the daemon has it'),
      kill('bpf', 'no part of Node calls it'),
      kill('perf_event_open', 'no part of Node calls it'),
      kill('userfaultfd', 'no part of Node calls it; used to win races against the kernel'),
      kill('init_module', 'no part of Node calls it'),
      kill('finit_module', 'no part of Node calls it'),
      kill('delete_module', 'no part of Node calls it'),
      kill('kexec_load', 'no part of Node calls it'),
      kill('kexec_file_load', 'no part of Node calls it'),
      kill('reboot', 'no part of Node calls it'),
      kill('swapon', 'no part of Node calls it'),
      kill('swapoff', 'no part of Node calls it'),
      kill('iopl', 'no part of Node calls it'),
      kill('ioperm', 'no part of Node calls it'),
    ],
  }
}
