import { MalformedMessageError } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** The layers of confinement (SECURITY.md says what each stops). L1 a process of its own, L2 Node's permission model, L3 the kernel's lockdown from inside, L4 namespaces, L5 a cgroup. */
export const LAYERS = ['L1', 'L2', 'L3', 'L4', 'L5'] as const
export type Layer = (typeof LAYERS)[number]

/** What an attempt came to. `evidence` is an errno name, an error code or a short text. */
export interface AttackOutcome {
  readonly name: string
  /** The layer that the attempt was made on: with that one, and those inside it, in place. */
  readonly layer: Layer
  readonly refused: boolean
  readonly evidence: string
}

/** How a layer stands in one worker. */
export interface LayerState {
  readonly layer: Layer
  readonly held: boolean
  readonly detail: string
}

/** What a worker found when it attacked itself, before its first guest instruction. */
export interface Attestation {
  readonly layers: readonly LayerState[]
  readonly attacks: readonly AttackOutcome[]
}

/** More than the attacks that there are. */
const MAX_ATTACKS = 100
/** UTF-8 bytes of a name or of evidence. */
const MAX_TEXT_BYTES = 200

export function writeAttestation(out: MsgpackWriter, { layers, attacks }: Attestation): void {
  out.arrayHeader(2)
  out.arrayHeader(layers.length)
  for (const { layer, held, detail } of layers) {
    out.arrayHeader(3)
    out.int(LAYERS.indexOf(layer))
    out.bool(held)
    out.string(detail)
  }
  out.arrayHeader(attacks.length)
  for (const { name, layer, refused, evidence } of attacks) {
    out.arrayHeader(4)
    out.string(name)
    out.int(LAYERS.indexOf(layer))
    out.bool(refused)
    out.string(evidence)
  }
}

export function readAttestation(from: MsgpackReader): Attestation {
  expectArray(from, 2)
  const layers: LayerState[] = []
  const layerCount = from.arrayHeader(LAYERS.length)
  for (let i = 0; i < layerCount; i++) {
    expectArray(from, 3)
    layers.push({ layer: readLayer(from), held: from.bool(), detail: from.string(MAX_TEXT_BYTES) })
  }
  const attacks: AttackOutcome[] = []
  const attackCount = from.arrayHeader(MAX_ATTACKS)
  for (let i = 0; i < attackCount; i++) {
    expectArray(from, 4)
    attacks.push({ name: from.string(MAX_TEXT_BYTES), layer: readLayer(from), refused: from.bool(), evidence: from.string(MAX_TEXT_BYTES) })
  }
  return { layers, attacks }
}

function expectArray(from: MsgpackReader, length: number): void {
  if (from.arrayHeader() !== length) throw new MalformedMessageError(`an attestation with an array that has not ${length} elements`)
}

function readLayer(from: MsgpackReader): Layer {
  const layer = LAYERS[from.uint32()]
  if (layer === undefined) throw new MalformedMessageError('an unknown layer')
  return layer
}
