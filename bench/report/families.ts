import type { StoredResult } from './results.ts'

/** Rows of one target, which stand under one heading and share a chart. */
export interface Family {
  /** Such as P7: what stands before the hyphen in the ids of its rows. */
  readonly name: string
  readonly title: string
  readonly results: readonly StoredResult[]
}

const TITLES: Readonly<Record<string, string>> = {
  P1: 'a small run, one at a time',
  P2: 'small runs, many in flight',
  P3: 'a fresh context',
  P4: 'what guests compute',
  P5: 'a process for each run',
  P6: 'calls of host functions',
  P7: 'values in and out',
  P8: 'runMany',
  P9: 'the first result',
  P10: 'memory',
  P11: 'the code cache',
  P12: 'a noisy neighbour',
  LAYERS: 'what confinement costs a run',
  BOOT: 'what confinement costs a boot',
}

/** In the order of the results. */
export function familiesOf(results: readonly StoredResult[]): readonly Family[] {
  const grouped = Map.groupBy(results, ({ id }) => id.split('-')[0] ?? id)
  return [...grouped].map(([name, members]) => ({ name, title: TITLES[name] ?? name, results: members }))
}

/** Where the chart of a family is, beside the page. */
export function chartFile({ name }: Family): string {
  return `${name}.svg`
}
