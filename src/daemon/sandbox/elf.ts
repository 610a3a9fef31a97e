import { closeSync, openSync, readSync } from 'node:fs'
import { errorMessage } from '../../base/error.ts'

/** What the dynamic loader needs to know of an ELF file (elf(5)). */
export interface ElfNeeds {
  /** Path of the dynamic loader. */
  readonly interpreter: string | undefined
  /** Names of the libraries that it needs itself. */
  readonly needed: readonly string[]
  /** Where to look first; `$ORIGIN` stands for the file's own directory. */
  readonly runPath: readonly string[]
}

const ELF_MAGIC = 0x7f454c46
const CLASS_64 = 2
const LITTLE_ENDIAN = 1
const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NEEDED = 1
const DT_STRTAB = 5
const DT_STRSZ = 10
const DT_RPATH = 15
const DT_RUNPATH = 29
const PROGRAM_HEADER_BYTES = 56
const DYNAMIC_ENTRY_BYTES = 16
const HEADER_BYTES = 64
/** A damaged file may announce anything. */
const MAX_PART_BYTES = 1024 * 1024
/** Of a name, and of all folders of a run path. */
const MAX_TEXT_BYTES = 16 * 1024
const NO_ELF = 'not a 64-bit little-endian ELF file, or a damaged one'

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Bytes at an offset of the file: a program has a hundred megabytes, of which a few pages matter. */
type Read = (at: number, bytes: number) => Buffer

/** Reads a 64-bit little-endian ELF file. Throws if it is none. */
export function readElf(path: string): ElfNeeds {
  const fd = openSync(path, 'r')
  try {
    return parse((at, bytes) => {
      if (at > Number.MAX_SAFE_INTEGER || bytes > MAX_PART_BYTES) throw new Error(NO_ELF)
      const buffer = Buffer.alloc(bytes)
      if (readSync(fd, buffer, 0, bytes, at) !== bytes) throw new Error(NO_ELF)
      return buffer
    })
  } catch (error) {
    throw new Error(`${path}: ${errorMessage(error)}`, { cause: error })
  } finally {
    closeSync(fd)
  }
}

function parse(read: Read): ElfNeeds {
  const header = read(0, HEADER_BYTES)
  if (header.readUInt32BE(0) !== ELF_MAGIC || header[4] !== CLASS_64 || header[5] !== LITTLE_ENDIAN) throw new Error(NO_ELF)
  const segments = readSegments(read, header)
  const interpreter = segments.find(({ type }) => type === PT_INTERP)
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  return {
    interpreter: interpreter === undefined ? undefined : textIn(read(interpreter.offset, interpreter.size)),
    ...(dynamic === undefined ? { needed: [], runPath: [] } : readDynamic(read, dynamic, segments)),
  }
}

function readSegments(read: Read, header: Buffer): Segment[] {
  const count = header.readUInt16LE(56)
  const table = read(Number(header.readBigUInt64LE(32)), count * PROGRAM_HEADER_BYTES)
  const segments: Segment[] = []
  for (let at = 0; at < table.length; at += PROGRAM_HEADER_BYTES) {
    segments.push({
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    })
  }
  return segments
}

function readDynamic(read: Read, dynamic: Segment, segments: readonly Segment[]): { needed: string[]; runPath: string[] } {
  const table = read(dynamic.offset, dynamic.size)
  const entries: (readonly [tag: number, value: number])[] = []
  for (let at = 0; at + DYNAMIC_ENTRY_BYTES <= table.length; at += DYNAMIC_ENTRY_BYTES) {
    entries.push([Number(table.readBigInt64LE(at)), Number(table.readBigUInt64LE(at + 8))])
  }
  const valueOf = (wanted: number): number => entries.find(([tag]) => tag === wanted)?.[1] ?? 0
  const address = valueOf(DT_STRTAB)
  const holder = segments.find(
    (segment) => segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.size,
  )
  const strings = holder === undefined ? address : address - holder.address + holder.offset
  const bytes = valueOf(DT_STRSZ)
  // Node exports its symbols: its string table has a few megabytes.
  const nameAt = (at: number): string => {
    if (at >= bytes) throw new Error(NO_ELF)
    return textIn(read(strings + at, Math.min(bytes - at, MAX_TEXT_BYTES)))
  }
  const texts = (...tags: number[]): string[] => entries.filter(([tag]) => tags.includes(tag)).map(([, value]) => nameAt(value))
  return { needed: texts(DT_NEEDED), runPath: texts(DT_RPATH, DT_RUNPATH).flatMap((path) => path.split(':')) }
}

function textIn(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  if (end < 0) throw new Error(NO_ELF)
  return bytes.toString('latin1', 0, end)
}
