import { becomeNobody, becomeUndumpable } from '../confinement/identity.ts'
import type { Kernel } from '../confinement/kernel.ts'
import { renounceRights } from '../confinement/landlock.ts'
import { limitResource } from '../confinement/rlimits.ts'
import { compileFilter } from '../confinement/seccomp-filter.ts'
import { installFilter, setNoNewPrivs } from '../confinement/seccomp.ts'
import { attackKernel, attackNode } from '../confinement/self-attack.ts'
import { type FilterArch, filterArch } from '../confinement/syscall-numbers.ts'
import { workerPolicy } from '../confinement/worker-policy.ts'
import type { AttackOutcome, Attestation, Layer, LayerState } from '../protocol/attestation.ts'
import type { ConfineRequest } from '../protocol/worker-link.ts'
import { NODE_ATTACKS } from './node-attacks.ts'
import { dropPermissions } from './permissions.ts'

/** Open descriptors: one a channel, and a few. */
const MAX_DESCRIPTORS = 8_192
/** Characters of a detail. */
const MAX_DETAIL = 60

/**
 * Gives up, in this order, what a guest must not have, and attacks what is left. Throws if a step fails that was asked for: then the worker must not run guest code. The order is the point: each step needs rights that a later one takes away.
 */
export function confine(request: ConfineRequest, kernel: Kernel | undefined): Attestation {
  touchWhatIsNeededLater()
  const attacks: AttackOutcome[] = []
  const layers: LayerState[] = [
    { layer: 'L1', held: Object.keys(process.env).every((name) => name === 'PWD'), detail: 'a process of its own, empty environment' },
  ]
  const arch = filterArch()
  if (kernel !== undefined && arch !== undefined) {
    if (request.namespaces) {
      attacks.push(...attackKernel(kernel, arch, 'L4'))
      layers.push(stateOf('L4', attacks, 'own namespaces, empty root, nobody'))
    }
    if (request.lockDown) layers.push(lockDown(kernel, arch, request, attacks))
  }
  if (request.dropPermissions) {
    dropPermissions()
    attacks.push(...attackNode(NODE_ATTACKS))
    layers.push(stateOf('L2', attacks, 'all grants dropped'))
  }
  return { layers, attacks }
}

function lockDown(kernel: Kernel, arch: FilterArch, request: ConfineRequest, attacks: AttackOutcome[]): LayerState {
  const nobody = becomeNobody(kernel)
  limitResource(kernel, 'core', 0)
  limitResource(kernel, 'fsize', 0)
  limitResource(kernel, 'nproc', 0)
  limitResource(kernel, 'nofile', MAX_DESCRIPTORS)
  if (request.dataBytes > 0) limitResource(kernel, 'data', request.dataBytes)
  becomeUndumpable(kernel)
  setNoNewPrivs(kernel)
  const landlock = renounceRightsIfAny(kernel, arch)
  installFilter(kernel, arch, compileFilter(workerPolicy(process.pid), arch))
  attacks.push(...attackKernel(kernel, arch, 'L3'))
  return stateOf('L3', attacks, `seccomp, ${landlock}, rlimits, not dumpable${nobody ? ', nobody' : ''}`)
}

/** Landlock is a second lock on doors that seccomp keeps shut: old kernels go without. */
function renounceRightsIfAny(kernel: Kernel, arch: FilterArch): string {
  try {
    return `Landlock ABI ${renounceRights(kernel, arch)}`
  } catch {
    return 'no Landlock'
  }
}

/** Files that Node, V8 and ICU open when something is used for the first time: afterwards they could not. Data of locales is part of Node, or of a library that is loaded with it. */
function touchWhatIsNeededLater(): void {
  // Of the time zone.
  void new Date().toString()
}

function stateOf(layer: Layer, attacks: readonly AttackOutcome[], detail: string): LayerState {
  const through = attacks.find((attack) => attack.layer === layer && !attack.refused)
  return {
    layer,
    held: through === undefined,
    detail: (through === undefined ? detail : `${through.name}: ${through.evidence}`).slice(0, MAX_DETAIL),
  }
}
