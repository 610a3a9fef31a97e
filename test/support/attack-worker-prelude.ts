import { constants } from 'node:os'

/**
 * What attacks of the tests begin with, besides what `node test/support/attack.mjs --help` names: system calls by name, `errno` names for what they return, and what to aim at.
 */
export interface Aim {
  readonly daemonPid: number
  readonly daemonSocket: string
  /** Another worker of the same daemon. */
  readonly siblingPid: number
  readonly siblingSocket: string
  /** A directory in which anyone may write. */
  readonly folder: string
}

/** Some numbers have two names: the usual one last. */
const ERRNO_NAMES = Object.fromEntries([
  ...Object.entries(constants.errno).map(([name, number]) => [number, name]),
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
])

export function prelude(aim: Aim): string {
  return `const NUMBERS = ${JSON.stringify(NUMBERS)}
const AIM = ${JSON.stringify(aim)}
const AT_FDCWD = -100
const NAMES = ${JSON.stringify(ERRNO_NAMES)}
// A raw system call by name: its result, or the name of its errno.
const sys = (name, ...args) => {
  const number = NUMBERS[name][process.arch === 'arm64' ? 1 : 0]
  if (number == null) return 'ENOSYS'
  const result = syscall(number, ...args)
  return result < 0 ? NAMES[-result] ?? 'errno ' + -result : result
}
// The same for a call that returns a descriptor, which is closed again.
const descriptor = (name, ...args) => {
  const fd = sys(name, ...args)
  if (typeof fd === 'number') sys('close', fd)
  return fd
}
const open = (path, flags = 0, mode = 0) => descriptor('openat', AT_FDCWD, at(path), flags, mode)
const zeros = (bytes) => at(Buffer.alloc(bytes))
// struct sockaddr_un and struct sockaddr_in of 127.0.0.1.
const unixAddress = (path) => at(Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.alloc(108 - path.length)]))
const inetAddress = (port) => at(Buffer.from([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
// What the loader says has a code of Node's only.
const opening = (open) => {
  try {
    open()
  } catch (error) {
    const found = /Operation not permitted|No such file/.exec(error.message)?.[0]
    throw Object.assign(error, found === undefined ? {} : { code: found === 'No such file' ? 'ENOENT' : 'EPERM' })
  }
}
// struct iovec.
const iovec = (address, bytes) => at(new Uint8Array(BigUint64Array.of(address, BigInt(bytes)).buffer));
`
}

/** Name, number on x86-64, number on arm64: from the kernel's tables, not from the filters under test. */
const NUMBERS = Object.fromEntries(
  `
  openat 257 56, openat2 437 437, close 3 57, newfstatat 262 79, statx 332 291, faccessat 269 48,
  readlinkat 267 78, unlinkat 263 35, mkdirat 258 34, symlinkat 266 36, fchmodat 268 53, mknodat 259 33,
  truncate 76 45, chdir 80 49, getcwd 79 17, name_to_handle_at 303 264, open_by_handle_at 304 265,
  inotify_init1 294 26, fanotify_init 300 262, statfs 137 43,
  socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, sendto 44 206, sendmsg 46 211, recvmsg 47 212,
  clone 56 220, fork 57 -, vfork 58 -, clone3 435 435, execve 59 221, execveat 322 281,
  kill 62 129, tkill 200 130, tgkill 234 131, rt_sigqueueinfo 129 138, pidfd_open 434 434, pidfd_send_signal 424 424,
  pidfd_getfd 438 438, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, kcmp 312 272,
  prctl 157 167, prlimit64 302 261, mmap 9 222, memfd_create 319 279, memfd_secret 447 447, shmget 29 194,
  unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51,
  open_tree 428 428, move_mount 429 429, fsopen 430 430, mount_setattr 442 442,
  io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
  bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, init_module 175 105, finit_module 313 273,
  delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, swapon 167 224,
  swapoff 168 225, iopl 172 -, ioperm 173 -, modify_ldt 154 -,
  keyctl 250 219, add_key 248 217, request_key 249 218, personality 135 92,
  setuid 105 146, setgid 106 144, setgroups 116 159, capset 126 91, sethostname 170 161,
  clock_settime 227 112, syslog 103 116, acct 163 89, quotactl 179 60, setpriority 141 140, sched_setaffinity 203 122,
  setpgid 109 154, setsid 112 157, rt_sigaction 13 134, timer_create 222 107, dup 32 23, pipe2 293 59,
  seccomp 317 277, landlock_create_ruleset 444 444, fstat 5 80, fcntl 72 25, getsockopt 55 209, getsockname 51 204, write 1 64`
    .split(',')
    .map((entry) => entry.trim().split(' '))
    .map(([name, ...numbers]) => [name, numbers.map((number) => (number === '-' ? undefined : Number(number)))]),
)
