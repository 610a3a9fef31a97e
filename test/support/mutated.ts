/** A frame's body, changed: bytes replaced, inserted, cut out, repeated. */
export function mutated(whole: Uint8Array, changes: readonly (readonly [kind: number, at: number, byte: number])[]): Uint8Array {
  const bytes = Array.from(whole.subarray(0, 2_000))
  for (const [kind, place, byte] of changes) {
    const at = place % (bytes.length + 1)
    if (kind === 0) bytes[at] = byte
    else if (kind === 1) bytes.splice(at, 0, byte)
    else if (kind === 2) bytes.splice(at, 1 + (byte % 4))
    else bytes.splice(at, 0, ...bytes.slice(at, at + byte))
  }
  return Uint8Array.from(bytes)
}
