import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../machine.ts'
import type { Provenance } from '../report/provenance.ts'
import { type Curve, curves } from './curves.ts'
import { rounded } from '../report/results.ts'
import type { Point } from './measure-curve.ts'

/** What a file in `scale/` holds. */
export interface StoredCurve extends Provenance, Pick<Curve, 'id' | 'title' | 'setup'> {
  readonly date: string
  readonly machine: Machine
  readonly points: readonly Point[]
}

const FOLDER = 'scale'

export function writeCurve(into: string, curve: StoredCurve): void {
  mkdirSync(join(into, FOLDER), { recursive: true })
  writeFileSync(fileOf(into, curve.id), `${JSON.stringify(curve, rounded, 2)}\n`)
}

/** Those that were measured. */
export function readCurves(from: string): readonly StoredCurve[] {
  return curves
    .map(({ id }) => fileOf(from, id))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as StoredCurve)
}

/** Where its chart is, beside the page. */
export function curveFile({ id }: Pick<StoredCurve, 'id'>): string {
  return `scale-${id}.svg`
}

function fileOf(folder: string, id: string): string {
  return join(folder, FOLDER, `${id}.json`)
}
