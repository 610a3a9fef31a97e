import type { ConsoleLevel } from '../../protocol/guest-messages.ts'
import { defineProperty, mapDelete, MapOf, mapGet, mapSet, StringOf } from '../../protocol/msgpack/intrinsics.ts'
import { formatArguments, formatRest } from './console-format.ts'
import { formatTable } from './console-table.ts'
import { formatDuration } from './console-time.ts'
import { inspect } from './inspect.ts'
import { type Budget, finish, newBudget } from './inspect/budget.ts'
import { DEFAULT_OPTIONS, type InspectOptions, UNREADABLE } from './inspect/inspection.ts'
import { now } from './clock.ts'
import { captureStackTrace, indexOf, max, min, slice, toStringTag, TypeErrorOf } from './inspect/intrinsics.ts'
import { list } from './inspect/list.ts'
import { dataOf } from './inspect/own-data.ts'

export interface ConsoleSink {
  /**
   * One call of a console method. `text` is formatted, indented for its group, and no longer than the limit but for the words that say what was cut; `args` are
   * the arguments as given, empty where the text is of the console's own making (a table, a count, a duration). What it throws is dropped.
   */
  emit(level: ConsoleLevel, text: string, args: unknown[]): void
}

const ASSERTION_FAILED = 'Assertion failed'
const TRACE = 'Trace'
const GROUP_COLUMNS = 2
/** Groups that are indented; further ones are only counted. */
const MAX_INDENTED_GROUPS = 40

interface ConsoleState {
  readonly sink: ConsoleSink
  groups: number
  counts: Map<string, number> | undefined
  /** Start of each timer, in milliseconds. */
  timers: Map<string, number> | undefined
}

/**
 * The `console` of a realm: the namespace object of https://console.spec.whatwg.org/, which writes as Node's does. No method throws, but for those with a label, as
 * the standard wants it, what the guest's own conversion of the label throws.
 */
export function createConsole(sink: ConsoleSink): object {
  const state: ConsoleState = { sink, groups: 0, counts: undefined, timers: undefined }
  const trace = (...data: unknown[]): void => writeTrace(state, data, trace)
  const methods = {
    // As the standard has it: an empty object between the namespace and Object.prototype.
    __proto__: {},
    assert: (condition: unknown = false, ...data: unknown[]) => {
      if (!condition) writeAssertion(state, data)
    },
    clear: () => {
      state.groups = 0
    },
    debug: (...data: unknown[]) => write(state, 'debug', data),
    error: (...data: unknown[]) => write(state, 'error', data),
    info: (...data: unknown[]) => write(state, 'info', data),
    log: (...data: unknown[]) => write(state, 'log', data),
    table: (...data: unknown[]) => writeTable(state, argument(data, 0), argument(data, 1)),
    trace,
    warn: (...data: unknown[]) => write(state, 'warn', data),
    dir: (...data: unknown[]) => writeInspected(state, argument(data, 0), argument(data, 1)),
    dirxml: (...data: unknown[]) => write(state, 'log', data),
    count: (label: unknown = 'default') => count(state, labelOf(label)),
    countReset: (label: unknown = 'default') => resetCount(state, labelOf(label)),
    group: (...data: unknown[]) => openGroup(state, data),
    groupCollapsed: (...data: unknown[]) => openGroup(state, data),
    groupEnd: () => {
      if (state.groups > 0) state.groups--
    },
    time: (label: unknown = 'default') => startTimer(state, labelOf(label)),
    timeLog: (label: unknown = 'default', ...data: unknown[]) => logTimer(state, labelOf(label), data),
    timeEnd: (label: unknown = 'default') => endTimer(state, labelOf(label)),
  }
  defineProperty(methods, toStringTag, {
    __proto__: null,
    value: 'console',
    writable: false,
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor)
  return methods
}

/** Never an index that is absent: Array.prototype is the guest's. */
const argument = (data: unknown[], index: number): unknown => (index < data.length ? data[index] : undefined)

/** Has `format` make the text and hands it on; nothing that goes wrong there reaches the caller. */
function emit(state: ConsoleState, level: ConsoleLevel, args: unknown[], format: (budget: Budget) => string): void {
  try {
    const budget = newBudget()
    let text: string
    try {
      text = format(budget)
    } catch {
      text = UNREADABLE
    }
    state.sink.emit(level, finish(budget, text, min(state.groups, MAX_INDENTED_GROUPS) * GROUP_COLUMNS), args)
  } catch {
    // The end of the stack: there is nothing left to write with.
  }
}

const write = (state: ConsoleState, level: ConsoleLevel, args: unknown[]): void =>
  emit(state, level, args, (budget) => formatArguments(budget, args))

function writeAssertion(state: ConsoleState, data: unknown[]): void {
  emit(state, 'error', data, (budget) => {
    const args = list<unknown>()
    const first = argument(data, 0)
    args[0] = typeof first === 'string' ? `${ASSERTION_FAILED}: ${first}` : ASSERTION_FAILED
    for (let i = typeof first === 'string' ? 1 : 0; i < data.length; i++) args[args.length] = data[i]
    return formatArguments(budget, args)
  })
}

function writeTable(state: ConsoleState, data: unknown, columns: unknown): void {
  if (typeof data === 'object' && data !== null) emit(state, 'log', [], (budget) => formatTable(budget, data, columns))
  else write(state, 'log', [data])
}

function writeTrace(state: ConsoleState, data: unknown[], method: unknown): void {
  emit(state, 'trace', data, (budget) => {
    const message = formatArguments(budget, data)
    const headline = message === '' ? TRACE : `${TRACE}: ${message}`
    const holder = { __proto__: null, name: TRACE, message, stack: undefined as unknown }
    try {
      captureStackTrace(holder, method)
      const { stack } = holder
      if (typeof stack !== 'string') return headline
      // Anything else is of the guest's own Error.prepareStackTrace.
      if (slice(stack, 0, TRACE.length) !== TRACE) return stack
      const frames = indexOf(stack, '\n    at ', headline.length)
      return frames < 0 ? headline : headline + slice(stack, frames)
    } catch {
      return headline
    }
  })
}

function writeInspected(state: ConsoleState, item: unknown, options: unknown): void {
  emit(state, 'log', [item], (budget) => inspect(item, inspectOptionsIn(options), budget))
}

/** `depth`, where null is as deep as it goes, and `showHidden`. What cannot be read counts as not given. */
function inspectOptionsIn(options: unknown): InspectOptions {
  if (typeof options !== 'object' || options === null) return DEFAULT_OPTIONS
  const { depth, maxItems, lineWidth } = DEFAULT_OPTIONS
  try {
    const wanted = dataOf(options, 'depth')
    return {
      depth: typeof wanted === 'number' ? wanted : wanted === null ? Infinity : depth,
      hidden: dataOf(options, 'showHidden') === true,
      maxItems,
      lineWidth,
    }
  } catch {
    return DEFAULT_OPTIONS
  }
}

function openGroup(state: ConsoleState, data: unknown[]): void {
  if (data.length > 0) write(state, 'log', data)
  state.groups++
}

/** As the standard converts a label: the caller gets what that throws. */
function labelOf(label: unknown): string {
  if (typeof label === 'symbol') throw new TypeErrorOf('Cannot convert a Symbol value to a string')
  return StringOf(label)
}

/** A text of the console's own, around a label. */
const say = (state: ConsoleState, level: ConsoleLevel, text: string): void => emit(state, level, [], () => text)

function count(state: ConsoleState, label: string): void {
  const counts = (state.counts ??= new MapOf<string, number>())
  const times = (mapGet(counts, label) ?? 0) + 1
  mapSet(counts, label, times)
  say(state, 'info', `${label}: ${times}`)
}

function resetCount(state: ConsoleState, label: string): void {
  if (state.counts === undefined || !mapDelete(state.counts, label)) say(state, 'warn', `Count for '${label}' does not exist`)
}

function startTimer(state: ConsoleState, label: string): void {
  const timers = (state.timers ??= new MapOf<string, number>())
  if (mapGet(timers, label) === undefined) mapSet(timers, label, now())
  else say(state, 'warn', `Label '${label}' already exists for console.time()`)
}

function logTimer(state: ConsoleState, label: string, data: unknown[]): void {
  const duration = durationOf(state, label)
  if (duration === undefined) say(state, 'warn', `No such label '${label}' for console.timeLog()`)
  else
    emit(state, 'log', data, (budget) => {
      const text = `${label}: ${duration}`
      return data.length === 0 ? text : `${text} ${formatRest(budget, data, 0)}`
    })
}

function endTimer(state: ConsoleState, label: string): void {
  const duration = durationOf(state, label)
  if (duration === undefined) say(state, 'warn', `No such label '${label}' for console.timeEnd()`)
  else {
    mapDelete(state.timers as Map<string, number>, label)
    say(state, 'info', `${label}: ${duration}`)
  }
}

/** Undefined if there is no such timer. */
function durationOf(state: ConsoleState, label: string): string | undefined {
  const start = state.timers === undefined ? undefined : mapGet(state.timers, label)
  // The clock may have been set back.
  return start === undefined ? undefined : formatDuration(max(0, now() - start))
}
