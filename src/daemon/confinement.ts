import { LAYERS, type Attestation, type Layer } from '../protocol/attestation.ts'
import { errorMessage } from '../base/error.ts'
import { CgroupTree, isDelegated, ownCgroup } from './cgroup.ts'
import { DaemonError } from './daemon-error.ts'
import type { Sandbox } from './sandbox/bubblewrap.ts'
import { type Probed, probeSandbox } from './sandbox/probe.ts'

export const CONFINEMENTS = ['strict', 'auto', 'process'] as const
export type ConfinementLevel = (typeof CONFINEMENTS)[number]

/** How workers are confined. */
export interface Confinement {
  readonly sandbox: Sandbox | undefined
  readonly cgroups: CgroupTree | undefined
  /** Lock down from inside (L3). */
  readonly lockDown: boolean
  readonly dropPermissions: boolean
  /** A worker that does not attest these is ended. */
  readonly required: readonly Layer[]
  /** Layers that this machine does not give, with the reason and the fix. */
  readonly absent: readonly AbsentLayer[]
}

export interface AbsentLayer {
  readonly layer: Layer
  readonly reason: string
  /** What to do about it. */
  readonly fix: string
}

export interface ConfinementChoice {
  readonly level: ConfinementLevel
  readonly require: readonly Layer[]
  /** A cgroup that is the daemon's to arrange; found, if not given. */
  readonly cgroup: string | undefined
  /** For tests: layers that are left out, to see what they stop. */
  readonly without: readonly Layer[]
}

export const REQUIRED_BY: Readonly<Record<ConfinementLevel, readonly Layer[]>> = {
  strict: ['L1', 'L2', 'L3', 'L4'],
  // Workers on Linux lock down without help from outside, so that must hold.
  auto: ['L1', 'L2', 'L3'],
  process: ['L1', 'L2'],
}

/**
 * Finds out what this machine gives. `probe` tries out the sandbox.
 *
 * @throws DaemonError `ERR_CONFINEMENT` if a required layer is not to be had
 */
export async function resolveConfinement(
  choice: ConfinementChoice,
  node: string,
  probe: () => Promise<Probed> = async () => probeSandbox(node),
): Promise<Confinement> {
  const { level, without } = choice
  // What a test leaves out need not hold, unless it asks for it.
  const usual = REQUIRED_BY[level].filter((layer) => level === 'strict' || !without.includes(layer))
  const required = [...new Set([...usual, ...choice.require])]
  const wanted = LAYERS.filter((layer) => !without.includes(layer) && (level !== 'process' || required.includes(layer)))
  const absent: AbsentLayer[] = without.map((layer) => ({ layer, reason: 'switched off', fix: 'leave it on' }))
  let sandbox: Sandbox | undefined
  if (wanted.includes('L4')) {
    const found = await probe()
    if ('sandbox' in found) sandbox = found.sandbox
    else absent.push({ layer: 'L4', ...found })
  }
  let cgroups: CgroupTree | undefined
  if (wanted.includes('L5')) {
    const found = openCgroups(choice.cgroup)
    if (found instanceof CgroupTree) cgroups = found
    else absent.push({ layer: 'L5', ...found })
  }
  const missing = absent.find(({ layer }) => required.includes(layer))
  if (missing !== undefined) {
    throw new DaemonError(
      'ERR_CONFINEMENT',
      `confinement '${level}' needs ${missing.layer}, which does not hold: ${missing.reason}. ${missing.fix}`,
    )
  }
  return { sandbox, cgroups, lockDown: wanted.includes('L3'), dropPermissions: wanted.includes('L2'), required, absent }
}

function openCgroups(given: string | undefined): CgroupTree | Omit<AbsentLayer, 'layer'> {
  const fix =
    "Run the daemon as a systemd service with 'Delegate=yes', or give it the path of a cgroup of its own with the option 'cgroup'."
  const path = given ?? ownCgroup()
  if (path === undefined)
    return { reason: 'this machine does not use cgroups version 2 alone', fix: "Boot it with 'systemd.unified_cgroup_hierarchy=1'." }
  if (given === undefined && !isDelegated(path)) return { reason: `the cgroup ${path} is not delegated to this daemon`, fix }
  try {
    return new CgroupTree(path)
  } catch (error) {
    return { reason: errorMessage(error), fix }
  }
}

/** Why an attestation does not do, or `undefined` if it does. */
export function shortfall(required: readonly Layer[], { layers }: Attestation): string | undefined {
  for (const layer of required) {
    const state = layers.find((each) => each.layer === layer)
    if (state === undefined) return `${layer} was not attested`
    if (!state.held) return `${layer} does not hold: ${state.detail}`
  }
  return undefined
}
