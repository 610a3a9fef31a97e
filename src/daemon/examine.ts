import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AttackOutcome, type Attestation, LAYERS, type Layer } from '../protocol/attestation.ts'
import { COMPILER_MEMORY_BYTES, MEMORY } from '../protocol/limits.ts'
import { type Confinement, type ConfinementLevel, REQUIRED_BY, resolveConfinement } from './confinement.ts'
import { refuseIoUring } from './io-uring-filter.ts'
import { COMPILER, type Program, WORKER } from './program.ts'
import { OWNER_ONLY } from './tenants/socket-access.ts'
import { WorkerProcess } from './worker-process.ts'

export interface ExaminedLayer {
  readonly layer: Layer
  readonly held: boolean
  /** What holds it, or why it does not hold. */
  readonly detail: string
  /** What to do, if it does not hold. */
  readonly fix?: string
}

/** What workers of this machine are confined by. */
export interface Examination {
  readonly layers: readonly ExaminedLayer[]
  readonly attacks: readonly AttackOutcome[]
  /** The same of compilers: an attack counts as refused if it is in each of their threads. */
  readonly compiler: Pick<Examination, 'layers' | 'attacks'>
  /** Confinement levels that a daemon would start with here. */
  readonly levels: readonly ConfinementLevel[]
}

/** Boots a worker and a compiler with every layer that this machine gives, has them attack themselves, and ends them. Needs no daemon. */
export async function examineConfinement(): Promise<Examination> {
  refuseIoUring()
  const confinement = await resolveConfinement({ level: 'auto', require: [], cgroup: undefined, without: [] }, process.execPath)
  const worker = await attestOnce(WORKER, MEMORY.default, { ...confinement, required: [] })
  const compiler = await attestOnce(COMPILER, COMPILER_MEMORY_BYTES, { ...confinement, required: [] })
  const examined = ({ layers, attacks }: Attestation): Examination['compiler'] => ({
    layers: LAYERS.map((layer) => examineLayer(layer, layers, confinement)),
    attacks,
  })
  const found = { ...examined(worker), compiler: examined(compiler) }
  const all = [...found.layers, ...found.compiler.layers]
  const holds = (layer: Layer): boolean => all.every((each) => each.layer !== layer || each.held)
  const levels = (Object.keys(REQUIRED_BY) as ConfinementLevel[]).filter((level) => REQUIRED_BY[level].every(holds))
  return { ...found, levels }
}

function examineLayer(layer: Layer, attested: Attestation['layers'], confinement: Confinement): ExaminedLayer {
  const absent = confinement.absent.find((each) => each.layer === layer)
  if (absent !== undefined) return { layer, held: false, detail: absent.reason, fix: absent.fix }
  return attested.find((each) => each.layer === layer) ?? { layer, held: false, detail: 'not attested' }
}

async function attestOnce(program: Program, memoryBytes: number, confinement: Confinement): Promise<Attestation> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-examine-'))
  const ready = Promise.withResolvers<void>()
  const worker = new WorkerProcess(
    1,
    { directory, access: OWNER_ONLY, memoryBytes, node: process.execPath, sandbox: confinement.sandbox, confinement, program },
    { ready: ready.resolve, message: () => undefined },
  )
  try {
    const died = worker.death.then(({ reason, stderr, exitCode, signal }) => {
      throw new Error(`a worker or compiler did not boot: ${reason ?? stderr ?? signal ?? exitCode}`)
    })
    await Promise.race([ready.promise, died])
    if (worker.attestation === undefined) throw new Error('a worker or compiler attested nothing')
    died.catch(() => undefined)
    return worker.attestation
  } finally {
    await worker[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  }
}
