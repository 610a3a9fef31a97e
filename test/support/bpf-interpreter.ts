/** What a seccomp filter is asked about (struct seccomp_data). */
export interface SystemCall {
  readonly number: number
  /** The audit number of the architecture that the call was made for. */
  readonly arch: number
  /** Up to six. */
  readonly args?: readonly (number | bigint)[]
}

/** BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JSET | BPF_K, BPF_RET | BPF_K (linux/bpf_common.h). */
const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_SET = 0x45
const RETURN = 0x06
/** struct sock_filter. */
const INSTRUCTION_BYTES = 8
const MAX_INSTRUCTIONS = 4_096
/** struct seccomp_data. */
const DATA_BYTES = 64

/**
 * Runs a program in the encoding that the kernel takes, after the checks that the kernel makes (kernel/seccomp.c, net/core/filter.c), and returns its verdict.
 * Written from the kernel's headers, not from the compiler under test.
 */
export function runFilter(program: Uint8Array, call: SystemCall): number {
  const code = checkFilter(program)
  const data = dataOf(call)
  let accumulator = 0
  for (let at = 0; ; at++) {
    const instruction = code.getUint16(at * INSTRUCTION_BYTES, true)
    const operand = code.getUint32(at * INSTRUCTION_BYTES + 4, true)
    if (instruction === RETURN) return operand
    if (instruction === LOAD_WORD) {
      accumulator = data.getUint32(operand, true)
      continue
    }
    const taken = instruction === JUMP_EQUAL ? accumulator === operand : (accumulator & operand) !== 0
    at += code.getUint8(at * INSTRUCTION_BYTES + (taken ? 2 : 3))
  }
}

/** Throws on what the kernel would refuse: an unknown instruction, a load outside of the data, a jump outside of the program, no end. */
export function checkFilter(program: Uint8Array): DataView {
  const count = program.length / INSTRUCTION_BYTES
  if (!Number.isInteger(count) || count === 0 || count > MAX_INSTRUCTIONS) throw new Error(`a program of ${program.length} bytes`)
  const code = new DataView(program.buffer, program.byteOffset, program.length)
  for (let at = 0; at < count; at++) {
    const instruction = code.getUint16(at * INSTRUCTION_BYTES, true)
    const operand = code.getUint32(at * INSTRUCTION_BYTES + 4, true)
    const furthest = Math.max(code.getUint8(at * INSTRUCTION_BYTES + 2), code.getUint8(at * INSTRUCTION_BYTES + 3))
    if (instruction === LOAD_WORD) {
      if (operand % 4 !== 0 || operand + 4 > DATA_BYTES) throw new Error(`${at}: a load from ${operand}`)
    } else if (instruction === JUMP_EQUAL || instruction === JUMP_SET) {
      if (at + 1 + furthest >= count) throw new Error(`${at}: a jump beyond the end`)
    } else if (instruction !== RETURN) throw new Error(`${at}: an unknown instruction ${instruction}`)
  }
  if (code.getUint16((count - 1) * INSTRUCTION_BYTES, true) !== RETURN) throw new Error('a program without an end')
  return code
}

function dataOf({ number, arch, args = [] }: SystemCall): DataView {
  const data = new DataView(new ArrayBuffer(DATA_BYTES))
  data.setUint32(0, number, true)
  data.setUint32(4, arch, true)
  for (const [index, value] of args.entries()) data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(value)), true)
  return data
}
