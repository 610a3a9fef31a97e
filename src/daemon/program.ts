import { fileURLToPath } from 'node:url'

/** What a confined process runs. */
export interface Program {
  /** Path of its file. */
  readonly file: string
  /** Paths of what it reads when it starts, in the same folder. Nothing else lies in its sandbox, and it may read nothing else. */
  readonly beside: readonly string[]
  /** Options of Node's. None of V8's: the code that one program compiles and another uses must be compiled under the same. */
  readonly flags: readonly string[]
  /** Grants of Node's permission model that it needs to boot, besides reading its file. */
  readonly grants: readonly string[]
  /** Which processes come first where processors are short: nice(2), 0 to 19. */
  readonly niceness: number
  /** The same among cgroups, whose members' niceness counts within each only: cpu.weight, 1 to 10,000. */
  readonly cpuWeight: number
}

/** 100 is what every other group of the machine has. */
const USUAL_CPU_WEIGHT = 100

const built = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

export const WORKER: Program = {
  file: built('worker/boot.cjs'),
  beside: [built('worker/worker.cjs'), built('worker/worker.texts'), built('worker/worker.cache'), built('worker/realm.cache')],
  flags: ['--expose-internals'],
  grants: ['--allow-net', '--allow-ffi'],
  niceness: 0,
  cpuWeight: USUAL_CPU_WEIGHT,
}

export const COMPILER: Program = {
  file: built('compiler/compiler.cjs'),
  beside: [],
  // For modules: to parse them without running them, and to have said where they do not parse.
  flags: ['--experimental-vm-modules', '--expose-internals'],
  grants: ['--allow-net', '--allow-ffi', '--allow-worker'],
  // Where processors are short, an evaluation gets nine parts of ten.
  niceness: 10,
  cpuWeight: USUAL_CPU_WEIGHT / 10,
}
