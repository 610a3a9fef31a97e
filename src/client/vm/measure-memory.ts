import type { Box } from '../box.ts'
import { ProtocolError } from '../errors.ts'
import { checkObject, checkOneOf } from './validate.ts'

export interface MeasureMemoryOptions {
  /** `detailed` adds `current` and `other`: realms on their own. Default `summary`. */
  readonly mode?: 'summary' | 'detailed'
  readonly execution?: 'default' | 'eager'
}

/** Bytes: an estimate, and between what it may lie. */
interface MemoryEstimate {
  readonly jsMemoryEstimate: number
  readonly jsMemoryRange: readonly [least: number, most: number]
}

/** What `vm.measureMemory()` of Node resolves with. */
export interface MeasuredMemory {
  readonly total: MemoryEstimate
  readonly WebAssembly: { readonly code: number; readonly metadata: number }
  /** A worker's own realm, and all other realms of the workers: in no order. */
  readonly current?: MemoryEstimate
  readonly other?: readonly MemoryEstimate[]
}

/** Checks its arguments as node:vm does. V8 measures processes: what workers say is added up. */
export async function measureMemory(box: () => Promise<Box>, options: unknown = {}): Promise<MeasuredMemory> {
  checkObject(options, 'options')
  const { mode = 'summary', execution = 'default' } = options
  checkOneOf(mode, 'options.mode', ['summary', 'detailed'])
  checkOneOf(execution, 'options.execution', ['default', 'eager'])
  const answers = await (await box()).vmMeasure(mode === 'detailed')
  const workers = answers.map(readAnswer)
  const measured = {
    total: estimate(sumOf(workers.map(({ total }) => total))),
    WebAssembly: { code: sum(workers.map(({ wasm }) => wasm[0])), metadata: sum(workers.map(({ wasm }) => wasm[1])) },
  }
  if (mode === 'summary') return measured
  const [current = [0, 0, 0], ...other] = workers.flatMap(({ realms }) => realms)
  return { ...measured, current: estimate(current), other: other.map(estimate) }
}

type Three = readonly [estimate: number, least: number, most: number]

/** The answer is a worker's, and hostile. */
function readAnswer(answer: unknown): {
  readonly total: Three
  readonly wasm: readonly [number, number]
  readonly realms: readonly Three[]
} {
  const [total, wasm, realms] = numbersOrLists(answer, 3)
  const [code, metadata] = numbersOrLists(wasm, 2)
  if (!isBytes(code) || !isBytes(metadata) || !Array.isArray(realms)) throw malformed()
  return { total: three(total), wasm: [code, metadata], realms: realms.map(three) }
}

function three(value: unknown): Three {
  const [estimated, least, most] = numbersOrLists(value, 3)
  if (!isBytes(estimated) || !isBytes(least) || !isBytes(most)) throw malformed()
  return [estimated, least, most]
}

function numbersOrLists(value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw malformed()
  return value
}

const isBytes = (value: unknown): value is number => typeof value === 'number' && value >= 0

const malformed = (): ProtocolError => new ProtocolError('ERR_PROTOCOL', 'the worker sent something else than figures of its memory')

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

const sumOf = (list: readonly Three[]): Three => [
  sum(list.map(([estimated]) => estimated)),
  sum(list.map(([, least]) => least)),
  sum(list.map(([, , most]) => most)),
]

const estimate = ([jsMemoryEstimate, least, most]: Three): MemoryEstimate => ({ jsMemoryEstimate, jsMemoryRange: [least, most] })
