import { VERDICT } from './bpf.ts'
import type { FilterPolicy, Rule } from './seccomp-filter.ts'
import type { SyscallName } from './syscall-numbers.ts'

const EPERM = 1
const ENOSYS = 38
const CLONE_THREAD = 0x10000

const refuse = (call: SyscallName, reason: string, errno = EPERM): Rule => ({ call, verdict: VERDICT.errno(errno), reason })

/** Inside its process namespace the sandbox's init is process 1, and the worker process 2. */
const WORKER_PID = 2

/**
 * The coarse filter that bubblewrap installs before Node starts. It must let Node boot (threads, files of its read-only root, its own exec), so it only names what no worker does at any time. The worker's own filter narrows it later.
 */
export const namespacePolicy: FilterPolicy = {
  otherwise: VERDICT.allow,
  rules: [
    refuse('io_uring_setup', 'its operations would bypass every filter', ENOSYS),
    refuse('io_uring_enter', 'the same', ENOSYS),
    refuse('io_uring_register', 'the same', ENOSYS),
    refuse('socket', 'the worker is given its sockets'),
    refuse('connect', 'the same'),
    refuse('clone3', 'its flags are in memory, where a filter cannot look; glibc then uses clone', ENOSYS),
    { call: 'clone', verdict: VERDICT.allow, reason: 'threads', when: [{ argument: 0, hasBit: CLONE_THREAD }] },
    refuse('clone', 'processes'),
    refuse('fork', 'processes'),
    refuse('vfork', 'processes'),
    { call: 'kill', verdict: VERDICT.allow, reason: 'abort()', when: [{ argument: 0, int: true, oneOf: [WORKER_PID] }] },
    refuse('kill', 'other processes'),
    refuse('ptrace', 'other processes'),
    refuse('process_vm_readv', 'the same'),
    refuse('process_vm_writev', 'the same'),
    refuse('pidfd_getfd', 'the same'),
    refuse('unshare', 'nested namespaces open more of the kernel to attack'),
    refuse('setns', 'the same'),
    refuse('mount', 'its root stays as it is'),
    refuse('umount2', 'the same'),
    refuse('pivot_root', 'the same'),
    refuse('chroot', 'the same'),
    refuse('open_tree', 'the same'),
    refuse('move_mount', 'the same'),
    refuse('fsopen', 'the same'),
    refuse('mount_setattr', 'the same'),
    refuse('open_by_handle_at', 'files of which it has no path'),
    refuse('keyctl', 'keys of the session that the daemon was started in: no namespace holds them back'),
    refuse('add_key', 'the same'),
    refuse('request_key', 'the same'),
    refuse('memfd_create', 'programs that lie in no file'),
    refuse('execveat', 'the same; bubblewrap starts Node with execve'),
    refuse('personality', 'turns off what makes addresses hard to guess'),
    refuse('bpf', 'no part of Node calls it'),
    refuse('perf_event_open', 'no part of Node calls it'),
    refuse('userfaultfd', 'used to win races against the kernel'),
  ],
}
