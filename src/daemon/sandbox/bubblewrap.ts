import { realpathSync } from 'node:fs'
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path'
import { isExecutable } from '../../base/executable.ts'
import { encodeProgram } from '../../confinement/bpf.ts'
import { namespacePolicy } from '../../confinement/namespace-policy.ts'
import { compileFilter } from '../../confinement/seccomp-filter.ts'
import { filterArch } from '../../confinement/syscall-numbers.ts'
import { librariesOf } from './libraries.ts'

/** Where things lie inside the sandbox. */
const NODE_INSIDE = '/glovebox/node'
/** Where a shell looks if there is no PATH. */
const DEFAULT_PATH = '/usr/bin:/bin'
/** nobody and nogroup. */
const NOBODY = ['--uid', '65534', '--gid', '65534']

/** How to start Node with a few files in namespaces of its own. */
export interface Sandbox {
  /** The path of `bwrap`. */
  readonly program: string
  /** The coarse filter, for bubblewrap to read from a descriptor. */
  readonly filter: Uint8Array
  /** The command line that runs the first of `files`. Bubblewrap reads its filter from one descriptor and writes its status to another. */
  command(
    files: readonly [string, ...string[]],
    flags: readonly string[],
    args: readonly string[],
    descriptors: { readonly filter: number; readonly status: number },
  ): string[]
  /** The path of such a file inside. */
  inside(file: string): string
}

/** The first `bwrap` on PATH. What is there relative to the working directory does not count: a daemon runs nothing from wherever it happens to be started. */
export function findBubblewrap(): string | undefined {
  const folders = (process.env['PATH'] ?? DEFAULT_PATH).split(delimiter).filter(isAbsolute)
  return folders.map((folder) => join(folder, 'bwrap')).find(isExecutable)
}

/** A sandbox for what `node` runs. */
export function createSandbox(program: string, node: string): Sandbox {
  const arch = filterArch()
  if (arch === undefined) throw new Error(`no filter for the architecture ${process.arch}`)
  const binary = realpathSync(node)
  const libraries = librariesOf(binary)
  const inside = (file: string): string => join(dirname(NODE_INSIDE), basename(file))
  return {
    program,
    filter: encodeProgram(compileFilter(namespacePolicy, arch)),
    inside,
    command: (files, flags, args, descriptors) => [
      // user, process, network, IPC, host name and cgroup namespaces; the mount namespace is always new.
      '--unshare-all',
      '--unshare-user',
      '--die-with-parent',
      '--clearenv',
      ...NOBODY,
      '--hostname',
      'glovebox',
      '--cap-drop',
      'ALL',
      ...readOnly(binary, NODE_INSIDE),
      ...files.flatMap((file) => readOnly(realpathSync(file), inside(file))),
      ...libraries.flatMap((library) => readOnly(realpathSync(library), library)),
      '--chdir',
      dirname(NODE_INSIDE),
      '--remount-ro',
      '/',
      '--seccomp',
      String(descriptors.filter),
      '--json-status-fd',
      String(descriptors.status),
      '--',
      NODE_INSIDE,
      ...flags,
      inside(files[0]),
      ...args,
    ],
  }
}

function readOnly(path: string, inside: string): readonly string[] {
  return ['--ro-bind', path, inside]
}
