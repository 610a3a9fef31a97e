/**
 * Classic BPF, as much of it as a seccomp filter needs (linux/bpf_common.h, linux/seccomp.h). A program is a list of fixed-size instructions with forward jumps.
 */
export interface Instruction {
  readonly code: number
  readonly whenTrue: number
  readonly whenFalse: number
  readonly operand: number
}

const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_SET = 0x45
const RETURN = 0x06

/** What a filter says of a call (SECCOMP_RET_*). */
export const VERDICT = {
  allow: 0x7fff0000,
  killProcess: 0x80000000,
  /** The call fails with this errno. */
  errno: (errno: number): number => 0x00050000 | errno,
} as const

/** Offsets in struct seccomp_data. */
const NR_OFFSET = 0
const ARCH_OFFSET = 4
const ARGS_OFFSET = 16

const instruction = (code: number, operand: number, whenTrue = 0, whenFalse = 0): Instruction => ({
  code,
  whenTrue,
  whenFalse,
  operand: operand >>> 0,
})

export const loadNumber = (): Instruction => instruction(LOAD_WORD, NR_OFFSET)
export const loadArch = (): Instruction => instruction(LOAD_WORD, ARCH_OFFSET)
/** The lower or upper half of argument 0 to 5. Little-endian, as both architectures here are. */
export const loadArgument = (index: number, half: 'low' | 'high'): Instruction =>
  instruction(LOAD_WORD, ARGS_OFFSET + 8 * index + (half === 'low' ? 0 : 4))
/** Skips so many instructions if the loaded word equals `operand`, or if it does not. At most 255. */
export const jumpEqual = (operand: number, whenTrue: number, whenFalse: number): Instruction =>
  instruction(JUMP_EQUAL, operand, whenTrue, whenFalse)
/** The same if any bit of `mask` is set. */
export const jumpAnyBit = (mask: number, whenTrue: number, whenFalse: number): Instruction =>
  instruction(JUMP_SET, mask, whenTrue, whenFalse)
export const finish = (verdict: number): Instruction => instruction(RETURN, verdict)

const INSTRUCTION_BYTES = 8
const MAX_INSTRUCTIONS = 4_096

/** The program as an array of struct sock_filter. Throws on what the kernel would refuse. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  if (program.length === 0 || program.length > MAX_INSTRUCTIONS) throw new Error(`a filter of ${program.length} instructions`)
  const view = new DataView(new ArrayBuffer(program.length * INSTRUCTION_BYTES))
  for (const [index, { code, whenTrue, whenFalse, operand }] of program.entries()) {
    const furthest = Math.max(whenTrue, whenFalse)
    // What is no verdict leads on to another instruction.
    if (furthest > 255 || (code !== RETURN && index + 1 + furthest >= program.length)) throw new Error(`a jump too far at ${index}`)
    view.setUint16(index * INSTRUCTION_BYTES, code, true)
    view.setUint8(index * INSTRUCTION_BYTES + 2, whenTrue)
    view.setUint8(index * INSTRUCTION_BYTES + 3, whenFalse)
    view.setUint32(index * INSTRUCTION_BYTES + 4, operand, true)
  }
  return new Uint8Array(view.buffer)
}
