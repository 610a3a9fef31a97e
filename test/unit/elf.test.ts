import { execFileSync } from 'node:child_process'
import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readElf } from '../../src/daemon/sandbox/elf.ts'
import { librariesOf } from '../../src/daemon/sandbox/libraries.ts'
import { temporaryDirectory } from '../support/daemons.ts'

const NODE = realpathSync(process.execPath)
/** A node that has loaded nothing but what it needs to start prints what the kernel has mapped into it. */
const PRINT_MAPS = "process.stdout.write(require('node:fs').readFileSync('/proc/self/maps', 'latin1'))"

function mappedFiles(): string[] {
  const maps = execFileSync(process.execPath, ['-e', PRINT_MAPS], { env: {}, encoding: 'latin1' })
  const paths = [...maps.matchAll(/ (\/.*)$/gm)].map(([, path]) => path as string)
  return [...new Set(paths)].filter((path) => path.startsWith('/') && !path.startsWith('/dev/') && path !== NODE).toSorted()
}

/** An ELF file in parts, for files that are not what they say. */
class Forged {
  readonly bytes = Buffer.alloc(512)

  constructor() {
    this.bytes.write('\x7fELF', 0, 'latin1')
    this.bytes[4] = 2
    this.bytes[5] = 1
    // Program headers at 64, two of them.
    this.bytes.writeBigUInt64LE(64n, 32)
    this.bytes.writeUInt16LE(56, 54)
    this.bytes.writeUInt16LE(2, 56)
    this.segment(0, { type: 1, offset: 0, address: 0x1000, size: 512 })
  }

  segment(index: number, { type, offset, address, size }: { type: number; offset: number; address: number; size: number }): this {
    const at = 64 + 56 * index
    this.bytes.writeUInt32LE(type, at)
    for (const [field, value] of Object.entries({ 8: offset, 16: address, 32: size })) {
      this.bytes.writeBigUInt64LE(BigInt(value), at + Number(field))
    }
    return this
  }

  dynamic(...entries: readonly (readonly [tag: number, value: number])[]): this {
    for (const [index, [tag, value]] of entries.entries()) {
      this.bytes.writeBigInt64LE(BigInt(tag), 192 + 16 * index)
      this.bytes.writeBigUInt64LE(BigInt(value), 200 + 16 * index)
    }
    return this.segment(1, { type: 2, offset: 192, address: 0x10c0, size: 16 * entries.length })
  }

  strings(text: string): this {
    this.bytes.write(text, 400, 'latin1')
    return this
  }
}

const NEEDED = 1
const STRTAB = 5
const STRSZ = 10
const RPATH = 15
const RUNPATH = 29

const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())

function read(bytes: Uint8Array): ReturnType<typeof readElf> {
  const path = join(directory.path, 'file')
  writeFileSync(path, bytes)
  return readElf(path)
}

test('the libraries of this node are the files that the kernel has mapped', () => {
  const found = librariesOf(NODE).map((path) => realpathSync(path))
  expect([...new Set(found)].toSorted()).toEqual(mappedFiles())
})

test('node names its loader and its C library', () => {
  const { interpreter, needed } = readElf(NODE)
  expect(interpreter).toMatch(/^\/lib.*\/ld-/)
  expect(needed).toEqual(expect.arrayContaining([expect.stringMatching(/^libc\./)]))
  for (const name of needed) expect(name).toMatch(/^[\w.+-]+$/)
})

describe('a file', () => {
  test('with libraries and run paths', () => {
    const forged = new Forged()
      .strings('\0liba.so\0$ORIGIN/lib:/opt/lib\0libb.so\0')
      .dynamic([NEEDED, 1], [RUNPATH, 9], [STRTAB, 0x1000 + 400], [STRSZ, 64], [NEEDED, 30], [RPATH, 0])
    expect(read(forged.bytes)).toEqual({ interpreter: undefined, needed: ['liba.so', 'libb.so'], runPath: ['$ORIGIN/lib', '/opt/lib', ''] })
  })

  test('without any dynamic part', () => {
    expect(read(new Forged().bytes)).toEqual({ interpreter: undefined, needed: [], runPath: [] })
  })
})

describe('garbage is refused, with the path', () => {
  const cut = (bytes: Uint8Array, length: number): Uint8Array => bytes.subarray(0, length)
  const altered = (at: number, value: number): Uint8Array => {
    const { bytes } = new Forged()
    bytes[at] = value
    return bytes
  }
  test.each<[what: string, bytes: Uint8Array]>([
    ['an empty file', new Uint8Array(0)],
    ['a script', Buffer.from('#!/bin/sh\necho\n')],
    ['four bytes', Buffer.from('\x7fELF', 'latin1')],
    ['a 32-bit file', altered(4, 1)],
    ['a big-endian file', altered(5, 2)],
    ['half a header', cut(new Forged().bytes, 40)],
    ['a header without its segments', cut(new Forged().bytes, 64)],
    [
      'segments beyond the end',
      (() => {
        const { bytes } = new Forged()
        bytes.writeBigUInt64LE(2n ** 63n, 32)
        return bytes
      })(),
    ],
    ['a dynamic part that is too large to be one', new Forged().segment(1, { type: 2, offset: 192, address: 0, size: 2 ** 52 }).bytes],
    ['an interpreter that is too long to be one', new Forged().segment(1, { type: 3, offset: 192, address: 0, size: 2 ** 40 }).bytes],
    ['an interpreter without an end', new Forged().segment(1, { type: 3, offset: 0, address: 0, size: 4 }).bytes],
    ['strings beyond the end', new Forged().dynamic([NEEDED, 1], [STRTAB, 2 ** 50], [STRSZ, 64]).bytes],
    ['a name beyond the strings', new Forged().dynamic([NEEDED, 5_000], [STRTAB, 0x1000 + 400], [STRSZ, 64]).bytes],
    ['a name without an end', new Forged().strings('x'.repeat(112)).dynamic([NEEDED, 0], [STRTAB, 0x1000 + 400], [STRSZ, 64]).bytes],
    ['noise', Buffer.concat([cut(new Forged().bytes, 16), Buffer.alloc(4_096, 0xa5)])],
  ])('%s', (_what, bytes) => {
    expect(() => read(bytes)).toThrow(`${join(directory.path, 'file')}: not a 64-bit little-endian ELF file, or a damaged one`)
  })

  test('a file that is not there', () => {
    expect(() => readElf(join(directory.path, 'nowhere'))).toThrow(/ENOENT/)
  })
})

test('a library that is nowhere is named, with who needs it', () => {
  const path = join(directory.path, 'program')
  writeFileSync(path, new Forged().strings('\0libnowhere.so.7\0').dynamic([NEEDED, 1], [STRTAB, 0x1000 + 400], [STRSZ, 64]).bytes)
  expect(() => librariesOf(path)).toThrow(`${path} needs libnowhere.so.7, which is in none of the loader's directories`)
})
