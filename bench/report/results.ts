import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RowResult } from '../compare.ts'
import type { Machine } from '../machine.ts'
import type { Provenance } from './provenance.ts'

/** What a file in `results/` holds: a row, and all that a reader needs to judge it or to measure it again. */
export interface StoredResult extends RowResult, Provenance {
  /** When, as ISO 8601 has it, in UTC. */
  readonly date: string
  readonly machine: Machine
}

const FOLDER = 'results'
const SUFFIX = '.json'
/** Digits of a figure that are kept: more than count, and few enough that changes can be read. */
const DIGITS = 5

/** For `JSON.stringify`. */
export function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value
}

/** One file a row, so that rows that were measured on different days stand side by side. */
export function writeResult(into: string, { id, title, date, commit, command, machine, ...rest }: StoredResult): void {
  mkdirSync(join(into, FOLDER), { recursive: true })
  const text = JSON.stringify({ id, title, date, commit, command, machine, ...rest }, rounded, 2)
  writeFileSync(join(into, FOLDER, `${id}${SUFFIX}`), `${text}\n`)
}

/** In the order of the ids given; files of rows that are no more come last. */
export function readResults(from: string, ids: readonly string[]): readonly StoredResult[] {
  const place = (id: string): number => (ids.includes(id) ? ids.indexOf(id) : ids.length)
  return filesIn(join(from, FOLDER))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as StoredResult)
    .sort((a, b) => place(a.id) - place(b.id))
}

function filesIn(folder: string): readonly string[] {
  let names: string[] = []
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(SUFFIX))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (names.length === 0) throw new Error(`there are no results in ${folder}: measure with --write first`)
  return names.sort().map((name) => join(folder, name))
}
