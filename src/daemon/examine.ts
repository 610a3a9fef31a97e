import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AttackOutcome, LAYERS, type Layer } from '../protocol/attestation.ts'
import { MEMORY } from '../protocol/limits.ts'
import { type Confinement, type ConfinementLevel, REQUIRED_BY, resolveConfinement } from './confinement.ts'
import { refuseIoUring } from './io-uring-filter.ts'
import { WORKER } from './program.ts'
import { WorkerProcess } from './worker-process.ts'

/** A boot that takes longer has failed, in milliseconds. */
const BOOT_TIMEOUT_MS = 20_000

export interface ExaminedLayer {
  readonly layer: Layer
  readonly held: boolean
  /** What holds it, or why it does not hold. */
  readonly detail: string
  /** What to do, if it does not hold. */
  readonly fix?: string
}

/** What a worker of this machine is confined by. */
export interface Examination {
  readonly layers: readonly ExaminedLayer[]
  readonly attacks: readonly AttackOutcome[]
  /** Confinement levels that a daemon would start with here. */
  readonly levels: readonly ConfinementLevel[]
}

/** Boots one worker with every layer that this machine gives, has it attack itself, and ends it. Needs no daemon. */
export async function examineConfinement(): Promise<Examination> {
  refuseIoUring()
  const confinement = resolveConfinement({ level: 'auto', require: [], cgroup: undefined, without: [] }, process.execPath)
  const attested = await attestOnce({ ...confinement, required: [] })
  const layers = LAYERS.map((layer): ExaminedLayer => {
    const absent = confinement.absent.find((each) => each.layer === layer)
    if (absent !== undefined) return { layer, held: false, detail: absent.reason, fix: absent.fix }
    const state = attested.layers.find((each) => each.layer === layer)
    return state ?? { layer, held: false, detail: 'not attested' }
  })
  const holds = (layer: Layer): boolean => layers.some((each) => each.layer === layer && each.held)
  const levels = (Object.keys(REQUIRED_BY) as ConfinementLevel[]).filter((level) => REQUIRED_BY[level].every(holds))
  return { layers, attacks: attested.attacks, levels }
}

async function attestOnce(confinement: Confinement): Promise<NonNullable<WorkerProcess['attestation']>> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-examine-'))
  const ready = Promise.withResolvers<void>()
  const worker = new WorkerProcess(
    1,
    { directory, memoryBytes: MEMORY.default, node: process.execPath, sandbox: confinement.sandbox, confinement, program: WORKER },
    { ready: ready.resolve, message: () => undefined },
  )
  const timer = setTimeout(() => worker.kill(`did not boot within ${BOOT_TIMEOUT_MS} ms`), BOOT_TIMEOUT_MS)
  try {
    const died = worker.death.then(({ reason, stderr, exitCode, signal }) => {
      throw new Error(`a worker did not boot: ${reason ?? stderr ?? signal ?? exitCode}`)
    })
    await Promise.race([ready.promise, died])
    if (worker.attestation === undefined) throw new Error('a worker attested nothing')
    died.catch(() => undefined)
    return worker.attestation
  } finally {
    clearTimeout(timer)
    await worker[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  }
}
