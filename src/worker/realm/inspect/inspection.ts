import type { Budget } from './budget.ts'
import { type List, list } from './list.ts'

/** Levels of nesting that can be asked for. Each indents by two, so that a deeper one lies past the limit of the text. */
const MAX_DEPTH = 260

/** What stands for something that threw when it was looked at: a Proxy's trap, or the end of the stack. */
export const UNREADABLE = '<unreadable>'

export interface InspectOptions {
  /** Levels of objects within objects that are shown. */
  readonly depth: number
  /** Properties that are not enumerable, too. */
  readonly hidden: boolean
  /** Items of an array, Map or Set, bytes of a buffer. */
  readonly maxItems: number
  /** Columns after which an object is broken into lines. */
  readonly lineWidth: number
}

export const DEFAULT_OPTIONS: InspectOptions = { depth: 2, hidden: false, maxItems: 100, lineWidth: 80 }

/** One call of `inspect`. */
export interface Inspection extends InspectOptions {
  readonly budget: Budget
  /** Shows a nested value. Here, so that the parts that are shown need not import what shows them. */
  readonly show: (inspection: Inspection, value: unknown, depth: number, inView?: boolean) => string
  /** Columns by which the current value is indented. */
  indentation: number
  /** Level of the object that was entered last. */
  entered: number
  /** The objects around the current value. */
  readonly around: List<object>
  /** Numbers of the objects that refer to themselves. */
  references: Map<object, number> | undefined
  referenceCount: number
}

export function newInspection(show: Inspection['show'], options: InspectOptions, budget: Budget): Inspection {
  const { depth, hidden, maxItems, lineWidth } = options
  return {
    depth: depth < MAX_DEPTH ? depth : MAX_DEPTH,
    hidden,
    maxItems,
    lineWidth,
    budget,
    show,
    indentation: 0,
    entered: 0,
    around: list(),
    references: undefined,
    referenceCount: 0,
  }
}

export const remaining = (count: number, what = 'item'): string => `... ${count} more ${what}${count > 1 ? 's' : ''}`
