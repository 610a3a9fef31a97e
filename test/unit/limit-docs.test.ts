import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GUEST_LIMITS, RUN_LIMITS } from '../../src/client/limits.ts'
import { CHANNEL_LIMIT_NAMES, CHANNEL_LIMITS } from '../../src/protocol/channel-limits.ts'
import * as limits from '../../src/protocol/limits.ts'
import { DEFAULT_MAX_ITEMS } from '../../src/protocol/values/value-options.ts'

const DOCUMENT = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8')
/** Cells of each row of its tables. */
const ROWS = DOCUMENT.split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
const row = (first: string): string[] => ROWS.find((cells) => cells[1] === first) ?? []
const number = (value: number): string => value.toLocaleString('en')

test.each(CHANNEL_LIMIT_NAMES)('%s: default, range and who sets it', (name) => {
  const { default: byDefault, min, max } = CHANNEL_LIMITS[name]
  const isIn = (names: readonly string[]): boolean => names.includes(name)
  const setBy = ['daemon', 'policy', 'connection']
  if (isIn(GUEST_LIMITS) || name === 'maxSource') setBy.push('context')
  if (isIn(GUEST_LIMITS)) setBy.push(isIn(RUN_LIMITS) ? 'run' : 'run of its own')
  expect(row(`\`${name}\``).slice(3, 7)).toEqual([number(byDefault), number(min), number(max), setBy.join(', ')])
})

const OTHERS: Readonly<Record<string, Partial<limits.Limit>>> = {
  timeout: limits.TIMEOUT_MS,
  maxTimeout: { ...limits.TIMEOUT_MS, default: limits.TIMEOUT_MS.max },
  memory: limits.MEMORY,
  highWater: limits.HIGH_WATER,
  cpu: limits.CPU_S,
  maxQueue: limits.MAX_QUEUE,
  queueTimeout: limits.QUEUE_TIMEOUT_MS,
  crashWindow: limits.CRASH_WINDOW_MS,
}
test.each(Object.entries(OTHERS))('%s: default and range', (name, { default: byDefault, min = Number.NaN, max = Number.NaN }) => {
  const cells = row(`\`${name}\``)
  expect(cells.slice(4, 6)).toEqual([number(min), number(max)])
  expect(['', 'none', number(byDefault ?? 0)]).toContain(cells[3])
})

const FIXED: Readonly<Record<string, number>> = {
  'functions of a context that the other side holds, each way': limits.MAX_HANDLES,
  'timers of a context': limits.MAX_TIMERS,
  'arguments of a call': limits.MAX_ARGUMENTS,
  'items of a value': DEFAULT_MAX_ITEMS,
  'bytes of a value that a client sends': limits.MAX_REQUEST_BYTES,
  'host functions and contexts that call each other, deep': limits.MAX_REENTRANCE,
  'runs of one connection in one worker without an answer': limits.MAX_PENDING_RUNS,
  'bytes that wait in a worker while a guest waits for its host, or for a client that does not read': limits.MAX_QUEUED_BYTES,
  'modules of a context': limits.MAX_MODULES,
  'UTF-16 code units of all its modules': limits.MAX_MODULES_SOURCE,
  'modules that one module imports by statements': limits.MAX_MODULE_REQUESTS,
  'UTF-16 code units of a specifier': limits.MAX_SPECIFIER,
  'imports of a context that are looked up': limits.MAX_LOOKUPS,
  "UTF-16 code units of a file name, or of a global's": limits.MAX_NAME,
  'scripts of a preset': limits.MAX_PRESET_SCRIPTS,
  'UTF-16 code units of a seed, a time zone or a locale': limits.MAX_DETERMINISTIC_TEXT,
  'UTF-16 code units of a URL in a guest': limits.MAX_URL,
  'UTF-16 code units of one console call': limits.MAX_CONSOLE_TEXT,
  'bytes of the arguments of one console call': limits.MAX_CONSOLE_ARGUMENTS_BYTES,
  'unhandled rejections of a context that wait to be told': limits.MAX_UNHANDLED,
  'objects that `glovebox/vm` keeps in step in one context': limits.MAX_MIRRORED_OBJECTS,
  'items of their arrays, Maps and Sets': limits.MAX_MIRRORED_ITEMS,
  'milliseconds that a context may compute at once while no run is pending': limits.BACKGROUND_BURST_MS,
  'and for each second that passes': limits.BACKGROUND_MS_PER_SECOND,
  'milliseconds to compile a source': limits.COMPILE_TIMEOUT_MS,
  'sources that wait in a compiler': limits.COMPILE_QUEUE.max,
  'imports of a compiled source': limits.COMPILED_IMPORTS.max,
  "bytes of V8's code cache of a script": limits.MAX_CACHED_DATA_BYTES,
  'bytes of a source map': limits.MAX_SOURCE_MAP_BYTES,
  'milliseconds after its deadline until a worker that does not end a run is killed': limits.GRACE_MS,
}
test.each(Object.entries(FIXED))('%s', (what, value) => {
  expect(row(what)[2]).toBe(number(value))
})

test('every row is checked', () => {
  const known = [...CHANNEL_LIMIT_NAMES, ...Object.keys(OTHERS)].map((name) => `\`${name}\``)
  const unchecked = ROWS.map(([, first]) => first).filter(
    (first) => !['limit', 'what', ...known, ...Object.keys(FIXED)].includes(first ?? ''),
  )
  expect(unchecked).toEqual([])
})

test('what is warned of, and how early', () => {
  expect(DOCUMENT).toContain(`At ${100 * limits.NEAR_SHARE} % of a limit`)
  expect(DOCUMENT).toContain(`may have ${number(limits.MIN_ERROR_BYTES)} all the same`)
  expect(DOCUMENT).toContain(`${number(limits.HOST_CALLS_PER_SECOND)} more each second`)
})
