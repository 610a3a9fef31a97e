import { describe } from 'vitest'
import { caught, type Row, type Subject, table } from '../../support/vm-table.ts'

/** What each refuses, as node:vm does. */
const refusals = (what: string, calls: readonly ((vm: Subject) => unknown)[]): Row[] =>
  calls.map((call) => [`${what}: ${String(call).replace(/^\(vm\) => /, '')}`, (vm) => caught(() => call(vm))])

// oxlint-disable-next-line typescript/no-explicit-any -- what the types refuse
const any = (value: unknown): any => value

describe('arguments that are refused', () => {
  table([
    ...refusals('createContext', [
      (vm) => vm.createContext(any(1)),
      (vm) => vm.createContext(any(null)),
      (vm) => vm.createContext(any('text')),
      (vm) => vm.createContext(any(() => 1)),
      (vm) => vm.createContext(Symbol('x')),
      (vm) => vm.createContext({}, any(1)),
      (vm) => vm.createContext({}, any(null)),
      (vm) => vm.createContext({}, { name: any(1) }),
      (vm) => vm.createContext({}, { origin: any(null) }),
      (vm) => vm.createContext({}, { codeGeneration: any(1) }),
      (vm) => vm.createContext({}, { codeGeneration: { strings: any(1) } }),
      (vm) => vm.createContext({}, { codeGeneration: { wasm: any('no') } }),
      (vm) => vm.createContext({}, { microtaskMode: any('never') }),
      (vm) => vm.createContext({}, any({ importModuleDynamically: 1 })),
    ]),
    ...refusals('isContext', [
      (vm) => vm.isContext(undefined),
      (vm) => vm.isContext('text'),
      (vm) => vm.isContext(() => 1),
      (vm) => vm.isContext(vm.constants.DONT_CONTEXTIFY),
    ]),
    ...refusals('runInContext', [
      (vm) => vm.runInContext('1', {}),
      (vm) => vm.runInContext('1', any('text')),
      (vm) => vm.runInContext('1', any(undefined)),
      (vm) => vm.runInContext('1', Object.create(null) as object),
    ]),
    ...refusals('runInNewContext', [
      (vm) => vm.runInNewContext('1', any(1)),
      (vm) => vm.runInNewContext('1', {}, { contextName: any(1) }),
      (vm) => vm.runInNewContext('1', {}, { contextOrigin: any(1) }),
      (vm) => vm.runInNewContext('1', {}, { contextCodeGeneration: any(1) }),
      (vm) => vm.runInNewContext('1', {}, { contextCodeGeneration: { strings: any(0) } }),
      (vm) => vm.runInNewContext('1', {}, { contextCodeGeneration: { wasm: any(0) } }),
      (vm) => vm.runInNewContext('1', {}, { microtaskMode: any(1) }),
      (vm) => vm.runInNewContext('1', {}, { microtaskMode: any('x') }),
    ]),
    ...refusals('Script', [
      (vm) => new vm.Script('1', any(1)),
      (vm) => new vm.Script('1', any(null)),
      (vm) => new vm.Script('1', { filename: any(1) }),
      (vm) => new vm.Script('1', { lineOffset: any('1') }),
      (vm) => new vm.Script('1', { lineOffset: 1.5 }),
      (vm) => new vm.Script('1', { lineOffset: 2 ** 31 }),
      (vm) => new vm.Script('1', { columnOffset: Number.NaN }),
      (vm) => new vm.Script('1', { columnOffset: -(2 ** 31) - 1 }),
      (vm) => new vm.Script('1', { cachedData: any(1) }),
      (vm) => new vm.Script('1', { cachedData: any('x'.repeat(50)) }),
      (vm) => new vm.Script('1', { cachedData: any(new ArrayBuffer(1)) }),
      (vm) => new vm.Script('1', { produceCachedData: any(1) }),
      (vm) => new vm.Script('1', any({ importModuleDynamically: 1 })),
      (vm) => new vm.Script(any(Symbol('s'))),
      (vm) => new vm.Script('1').runInContext({}),
      (vm) => new vm.Script('1').runInContext(any(null)),
      (vm) => new vm.Script('1').runInThisContext(any(1)),
      (vm) => new vm.Script('1').runInThisContext(any('file.js')),
      (vm) => new vm.Script('1').runInNewContext(any('text')),
    ]),
    ...refusals('how a run goes', [
      (vm) => vm.runInThisContext('1', { timeout: 0 }),
      (vm) => vm.runInThisContext('1', { timeout: -1 }),
      (vm) => vm.runInThisContext('1', { timeout: 1.5 }),
      (vm) => vm.runInThisContext('1', { timeout: 2 ** 33 }),
      (vm) => vm.runInThisContext('1', { timeout: any('100') }),
      (vm) => vm.runInThisContext('1', { timeout: any(null) }),
      (vm) => vm.runInThisContext('1', { timeout: any(10n) }),
      (vm) => vm.runInThisContext('1', { displayErrors: any(1) }),
      (vm) => vm.runInThisContext('1', { breakOnSigint: any('yes') }),
      (vm) => vm.runInThisContext('1', any(true)),
    ]),
    ...refusals('compileFunction', [
      (vm) => vm.compileFunction(any(1)),
      (vm) => vm.compileFunction('', any('a')),
      (vm) => vm.compileFunction('', any([1])),
      (vm) => vm.compileFunction('', [], any(null)),
      (vm) => vm.compileFunction('', [], { filename: any(1) }),
      (vm) => vm.compileFunction('', [], { lineOffset: any(null) }),
      (vm) => vm.compileFunction('', [], { columnOffset: 1e10 }),
      (vm) => vm.compileFunction('', [], { cachedData: any({}) }),
      (vm) => vm.compileFunction('', [], { produceCachedData: any(null) }),
      (vm) => vm.compileFunction('', [], { parsingContext: {} }),
      (vm) => vm.compileFunction('', [], { parsingContext: any(1) }),
      (vm) => vm.compileFunction('', [], any({ contextExtensions: 1 })),
      (vm) => vm.compileFunction('', [], any({ contextExtensions: [1] })),
      (vm) => vm.compileFunction('})(); (function () {'),
      (vm) => vm.compileFunction('return ('),
    ]),
  ])
})

describe('arguments that are taken', () => {
  const taken = (call: (vm: Subject) => unknown): Row => [String(call).replace(/^\(vm\) => /, ''), async (vm) => call(vm)]
  table([
    taken((vm) => vm.runInThisContext('1', 'name.js')),
    taken((vm) => vm.runInNewContext('1', undefined, 'name.js')),
    taken((vm) =>
      vm.runInNewContext('a', { a: 1 }, { contextName: 'n', contextOrigin: 'https://example.com', microtaskMode: 'afterEvaluate' }),
    ),
    taken((vm) => vm.runInThisContext('1', { displayErrors: false, breakOnSigint: true, timeout: 1_000 })),
    taken((vm) => vm.runInThisContext('1', { timeout: 4294967295 })),
    taken((vm) => vm.runInThisContext('1', any({ unknown: true }))),
    taken((vm) => vm.runInNewContext('typeof globalThis', vm.constants.DONT_CONTEXTIFY)),
    taken(async (vm) => typeof (await vm.createContext({}, { codeGeneration: { strings: true, wasm: true } }))),
  ])
})
