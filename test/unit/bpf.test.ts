import { describe, expect, test } from 'vitest'
import {
  encodeProgram,
  finish,
  type Instruction,
  jumpAnyBit,
  jumpEqual,
  loadArch,
  loadArgument,
  loadNumber,
  VERDICT,
} from '../../src/confinement/bpf.ts'
import { hex } from '../support/codec.ts'
import { checkFilter, runFilter, type SystemCall } from '../support/bpf-interpreter.ts'

test.each<[name: string, instruction: Instruction, bytes: string]>([
  // 16-bit code, 8-bit jumps if true and if false, 32-bit operand, little-endian.
  ['load the number', loadNumber(), '2000 00 00 00000000'],
  ['load the architecture', loadArch(), '2000 00 00 04000000'],
  ['load the lower half of the first argument', loadArgument(0, 'low'), '2000 00 00 10000000'],
  ['load the upper half of the last', loadArgument(5, 'high'), '2000 00 00 3c000000'],
  ['jump if equal', jumpEqual(0xc000003e, 1, 2), '1500 01 02 3e0000c0'],
  ['jump if any bit is set', jumpAnyBit(~7, 255, 0), '4500 ff 00 f8ffffff'],
  ['allow', finish(VERDICT.allow), '0600 00 00 0000ff7f'],
  ['kill the process', finish(VERDICT.killProcess), '0600 00 00 00000080'],
  ['fail with ENOSYS', finish(VERDICT.errno(38)), '0600 00 00 26000500'],
])('%s', (_name, instruction, bytes) => {
  const padding = Array.from({ length: 256 }, () => finish(0))
  expect(hex(encodeProgram([instruction, ...padding]).subarray(0, 8))).toBe(bytes.replaceAll(' ', ''))
})

describe('a program that the kernel would refuse is not encoded', () => {
  const end = finish(VERDICT.allow)
  test.each<[name: string, program: Instruction[], message: string]>([
    ['empty', [], 'a filter of 0 instructions'],
    ['too long', Array.from({ length: 4_097 }, () => end), 'a filter of 4097 instructions'],
    ['a jump beyond the end if true', [jumpEqual(0, 1, 0), end], 'a jump too far at 0'],
    ['a jump beyond the end if false', [loadNumber(), jumpEqual(0, 0, 1), end], 'a jump too far at 1'],
    ['a jump as the last instruction', [jumpEqual(0, 0, 0)], 'a jump too far at 0'],
    ['a jump of more than a byte', [jumpEqual(0, 256, 0), ...Array.from({ length: 300 }, () => end)], 'a jump too far at 0'],
    ['no end', [end, loadNumber()], 'a jump too far at 1'],
  ])('%s', (_name, program, message) => {
    expect(() => encodeProgram(program)).toThrow(message)
  })

  test('the longest program and the longest jump are', () => {
    const program = [
      jumpEqual(7, 255, 0),
      ...Array.from({ length: 255 }, () => finish(1)),
      ...Array.from({ length: 3_840 }, () => finish(2)),
    ]
    const bytes = encodeProgram([loadNumber(), ...program.slice(0, -1)])
    expect(bytes).toHaveLength(4_096 * 8)
    expect(runFilter(bytes, { number: 7, arch: 0 })).toBe(2)
    expect(runFilter(bytes, { number: 8, arch: 0 })).toBe(1)
  })
})

describe('the interpreter', () => {
  const call: SystemCall = { number: 1, arch: 2, args: [0x0000_0003_0000_0004n, 0, 0, 0, 0, -1] }
  test.each<[name: string, load: Instruction, word: number]>([
    ['number', loadNumber(), 1],
    ['architecture', loadArch(), 2],
    ['lower half', loadArgument(0, 'low'), 4],
    ['upper half', loadArgument(0, 'high'), 3],
    ['an argument that is not there', loadArgument(1, 'low'), 0],
    ['minus one', loadArgument(5, 'high'), 0xffffffff],
  ])('loads the %s', (_name, load, word) => {
    const program = (operand: number) => encodeProgram([load, jumpEqual(operand, 0, 1), finish(1), finish(2)])
    expect(runFilter(program(word), call)).toBe(1)
    expect(runFilter(program(word + 1), call)).toBe(2)
  })

  test.each<[bits: number, mask: number, verdict: number]>([
    [0b100, 0b100, 1],
    [0b100, 0b011, 2],
    [0x80000000, 0x80000000, 1],
    [0, 0xffffffff, 2],
  ])('tests the bits %d with the mask %d', (bits, mask, verdict) => {
    expect(runFilter(encodeProgram([loadNumber(), jumpAnyBit(mask, 0, 1), finish(1), finish(2)]), { number: bits, arch: 0 })).toBe(verdict)
  })

  test.each<[name: string, bytes: number[], message: string]>([
    ['half an instruction', [6, 0, 0, 0], 'a program of 4 bytes'],
    ['an unknown instruction', [7, 0, 0, 0, 0, 0, 0, 0], 'an unknown instruction 7'],
    ['a load that is not aligned', [0x20, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0], 'a load from 2'],
    ['a load beyond the data', [0x20, 0, 0, 0, 64, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0], 'a load from 64'],
    ['a jump beyond the end', [0x15, 0, 0, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0], 'a jump beyond the end'],
    ['no end', [0x20, 0, 0, 0, 0, 0, 0, 0], 'without an end'],
  ])('refuses %s, as the kernel does', (_name, bytes, message) => {
    expect(() => checkFilter(Uint8Array.from(bytes))).toThrow(message)
  })
})
