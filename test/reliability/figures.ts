/** What a program of this folder measured: printed, and checked where it ran. */
export type Figures = Readonly<Record<string, number>>

/** The value below which this part of the values lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
}

export function printFigures(title: string, figures: Figures): void {
  const rows = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(44)} ${Number.isInteger(value) ? value : value.toFixed(2)}`)
  console.log(`${title}\n${rows.join('\n')}`)
}

/** How often each outcome of a call was seen. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  get names(): readonly string[] {
    return [...this.#counts.keys()]
  }

  toFigures(prefix: string): Figures {
    return Object.fromEntries(Array.from(this.#counts, ([name, count]) => [`${prefix}${name}`, count]))
  }
}
