import type { AttackOutcome, Layer } from '../protocol/attestation.ts'
import type { Kernel } from './kernel.ts'
import { type FilterArch, type SyscallName, syscallNumber } from './syscall-numbers.ts'

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  9: 'EBADF',
  13: 'EACCES',
  14: 'EFAULT',
  20: 'ENOTDIR',
  22: 'EINVAL',
  30: 'EROFS',
  38: 'ENOSYS',
  97: 'EAFNOSUPPORT',
  101: 'ENETUNREACH',
}

const AT_FDCWD = -100
const O_RDONLY = 0
/** A file without a name: were it let through, nothing would be left. */
const O_TMPFILE_WRITE = 0o20200001
const O_DIRECTORY = 0o200000
const AF = { unix: 1, inet: 2, netlink: 16 } as const
const SOCK = { stream: 1, dgram: 2, raw: 3 } as const
/** Read in time: a confined worker may not ask for it. */
const PARENT = process.ppid
const CLONE = { sighand: 0x800, newuser: 0x10000000 } as const
const PTRACE_PEEKDATA = 2

/**
 * An attempt with a raw system call. Its arguments are such that a kernel which lets it through does no harm: it answers with something else than a refusal, a bad
 * address for example. `refusedBy` are the answers of a layer that holds.
 */
interface RawAttack {
  readonly name: string
  readonly call: SyscallName
  readonly args: (address: (text: string) => bigint) => readonly (number | bigint)[]
  readonly refusedBy: readonly string[]
  /** Where it means something; everywhere, if not said. */
  readonly layer?: Layer
}

/** Seccomp, Landlock, or the absence of what was asked for. */
const DENIED = ['EPERM', 'EACCES', 'ENOSYS'] as const
const DENIED_OR_ABSENT = [...DENIED, 'ENOENT', 'EROFS'] as const

const RAW_ATTACKS: readonly RawAttack[] = [
  { name: 'read a file', call: 'openat', args: (at) => [AT_FDCWD, at('/etc/passwd'), O_RDONLY, 0], refusedBy: DENIED_OR_ABSENT },
  { name: 'write a file', call: 'openat', args: (at) => [AT_FDCWD, at('/tmp'), O_TMPFILE_WRITE, 0o600], refusedBy: DENIED_OR_ABSENT },
  {
    name: 'list a directory',
    call: 'openat',
    args: (at) => [AT_FDCWD, at('/etc'), O_RDONLY | O_DIRECTORY, 0],
    refusedBy: DENIED_OR_ABSENT,
  },
  // In a sandbox the root is its own and holds nothing but the program.
  {
    name: 'list the root directory',
    call: 'openat',
    args: (at) => [AT_FDCWD, at('/'), O_RDONLY | O_DIRECTORY, 0],
    refusedBy: DENIED,
    layer: 'L3',
  },
  { name: 'open /proc', call: 'openat', args: (at) => [AT_FDCWD, at('/proc/self/maps'), O_RDONLY, 0], refusedBy: DENIED_OR_ABSENT },
  { name: 'TCP socket', call: 'socket', args: () => [AF.inet, SOCK.stream, 0], refusedBy: DENIED },
  { name: 'UDP socket', call: 'socket', args: () => [AF.inet, SOCK.dgram, 0], refusedBy: DENIED },
  { name: 'Unix socket', call: 'socket', args: () => [AF.unix, SOCK.stream, 0], refusedBy: DENIED },
  { name: 'netlink socket', call: 'socket', args: () => [AF.netlink, SOCK.raw, 0], refusedBy: DENIED },
  { name: 'connect', call: 'connect', args: () => [-1, 0, 0], refusedBy: DENIED },
  // CLONE_SIGHAND without CLONE_VM is refused by the kernel itself, with EINVAL: no process comes of it.
  { name: 'fork', call: 'clone', args: () => [CLONE.sighand, 0, 0, 0, 0], refusedBy: DENIED },
  { name: 'fork (clone3)', call: 'clone3', args: () => [0, 0], refusedBy: DENIED },
  // ENOTDIR if it gets through to a shell that is there: nothing is executed.
  { name: 'exec', call: 'execve', args: (at) => [at('/bin/sh/x'), 0, 0], refusedBy: DENIED_OR_ABSENT },
  { name: 'signal the parent', call: 'kill', args: () => [PARENT, 0], refusedBy: DENIED },
  { name: 'signal process 1', call: 'kill', args: () => [1, 0], refusedBy: DENIED },
  { name: 'ptrace', call: 'ptrace', args: () => [PTRACE_PEEKDATA, 0x7fffffff, 0, 0], refusedBy: DENIED },
  { name: 'new user namespace', call: 'unshare', args: () => [CLONE.newuser], refusedBy: DENIED },
  { name: 'mount', call: 'mount', args: () => [0, 0, 0, 0, 0], refusedBy: DENIED },
  { name: 'io_uring', call: 'io_uring_setup', args: () => [0, 0], refusedBy: DENIED },
]

/** Attacks this process with system calls, to see whether `layer` holds. Leaves nothing behind. */
export function attackKernel(kernel: Kernel, arch: FilterArch, layer: Layer): AttackOutcome[] {
  return RAW_ATTACKS.filter((attack) => attack.layer === undefined || attack.layer === layer).map((attack) =>
    attackRaw(kernel, arch, layer, attack),
  )
}

/** An attempt through an interface of Node's. Throws if it is refused. */
export interface NodeAttack {
  readonly name: string
  readonly attempt: () => unknown
}

/** Attacks this process through Node, to see whether the permission model (L2) holds. */
export function attackNode(attacks: readonly NodeAttack[]): AttackOutcome[] {
  return attacks.map(({ name, attempt }) => {
    try {
      attempt()
      return { name, layer: 'L2', refused: false, evidence: 'succeeded' }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return { name, layer: 'L2', refused: code !== undefined && REFUSALS.includes(code), evidence: code ?? message }
    }
  })
}

const RETURNS_DESCRIPTOR: ReadonlySet<SyscallName> = new Set(['openat', 'socket', 'io_uring_setup'])

/** What the permission model says. Anything else means that the attempt got past it. */
const REFUSALS = ['ERR_ACCESS_DENIED', 'ERR_DLOPEN_DISABLED']

function attackRaw(kernel: Kernel, arch: FilterArch, layer: Layer, { name, call, args, refusedBy }: RawAttack): AttackOutcome {
  const number = syscallNumber(call, arch)
  if (number === undefined) return { name, layer, refused: true, evidence: 'no such call here' }
  const texts: Uint8Array[] = []
  const result = kernel.syscall(
    number,
    ...args((text) => {
      const bytes = Buffer.from(`${text}\0`)
      texts.push(bytes)
      return kernel.libc.addressOf(bytes)
    }),
  )
  if (result >= 0 && RETURNS_DESCRIPTOR.has(call)) kernel.syscall(syscallNumber('close', arch) as number, result)
  if (result >= 0) return { name, layer, refused: false, evidence: `succeeded (${result})` }
  const evidence = ERRNO_NAMES[-result] ?? `errno ${-result}`
  return { name, layer, refused: refusedBy.includes(evidence), evidence }
}
