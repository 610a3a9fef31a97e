import type { AttackOutcome, Attestation, LayerState } from '../protocol/attestation.ts'

/** What the process found of itself, together with what its threads did: an attack was refused if it was everywhere, and a layer holds if nothing got through it anywhere. */
export function withThreads(process: Attestation, threads: readonly (readonly AttackOutcome[])[]): Attestation {
  const found = threads.flat()
  const attacks = process.attacks.map((own) => found.find((other) => sameAttack(own, other) && !other.refused) ?? own)
  const layers = process.layers.map((state) => stateOf(state, found))
  return { layers, attacks }
}

function stateOf(state: LayerState, found: readonly AttackOutcome[]): LayerState {
  const through = found.find(({ layer, refused }) => layer === state.layer && !refused)
  return through === undefined || !state.held
    ? state
    : { layer: state.layer, held: false, detail: `in a thread: ${through.name}: ${through.evidence}` }
}

function sameAttack(a: AttackOutcome, b: AttackOutcome): boolean {
  return a.name === b.name && a.layer === b.layer
}
