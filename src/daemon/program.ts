import { fileURLToPath } from 'node:url'

/** What a confined process runs. */
export interface Program {
  /** Path of its one file: nothing else lies in its sandbox, and it may read nothing else. */
  readonly file: string
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

export const WORKER: Program = {
  file: fileURLToPath(new URL('../worker/worker.cjs', import.meta.url)),
  flags: ['--expose-internals'],
  grants: ['--allow-net', '--allow-ffi'],
  niceness: 0,
  cpuWeight: USUAL_CPU_WEIGHT,
}

export const COMPILER: Program = {
  file: fileURLToPath(new URL('../compiler/compiler.cjs', import.meta.url)),
  // For modules: to parse them without running them, and to have said where they do not parse.
  flags: ['--experimental-vm-modules', '--expose-internals'],
  grants: ['--allow-net', '--allow-ffi', '--allow-worker'],
  // Where processors are short, an evaluation gets nine parts of ten.
  niceness: 10,
  cpuWeight: USUAL_CPU_WEIGHT / 10,
}
