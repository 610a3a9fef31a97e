import type { Box } from 'glovebox'
import { VM, VMError, type VMOptions, VMScript } from 'glovebox/vm2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'
import { checkLeaks } from '../../support/leaks.ts'

checkLeaks()

let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const machine = (options?: VMOptions): VM => new VM({ box, ...options })

describe('what vm2 says of VM', () => {
  test('runs code, without the host’s process', async () => {
    await using vm = machine()
    expect(await vm.run('1 + 1')).toBe(2)
    expect((await rejection(vm.run('process.exit()'))).name).toBe('ReferenceError')
  })

  test('the sandbox’s properties are globals, and its functions are called here', async () => {
    const said: unknown[] = []
    await using vm = machine({ timeout: 1_000, sandbox: { x: 2, say: (text: string) => said.push(text) } })
    expect(await vm.run('say("hi"); x * 21')).toBe(42)
    expect(said).toEqual(['hi'])
  })

  test('globals stay from run to run, and are set and got by name', async () => {
    const sandbox = { a: 1 }
    await using vm = machine({ sandbox })
    await vm.run('var b = a + 1')
    vm.setGlobal('c', 3).setGlobals({ d: 4 })
    expect(await vm.run('[b, c, d]')).toEqual([2, 3, 4])
    expect([vm.getGlobal('b'), vm.getGlobal('nothing'), Object.keys(sandbox)]).toEqual([2, undefined, ['a']])
  })

  test('objects of the sandbox are kept in step after each run', async () => {
    const state = { count: 1 }
    await using vm = machine({ sandbox: { state } })
    await vm.run('state.count++')
    expect(state.count).toBe(2)
  })

  test('a time-out ends what does not end, and what would end after an await', async () => {
    await using vm = machine({ timeout: 100 })
    for (const code of ['while (true) {}', '(async () => { await 0; for (;;); })()']) {
      expect((await rejection(vm.run(code))).code).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT')
    }
    expect(await vm.run('1')).toBe(1)
  })

  test('errors name the file', async () => {
    await using vm = machine()
    expect((await rejection(vm.run('throw new RangeError("no")', 'plugin.js'))).stack).toContain('plugin.js:1:7')
    expect((await rejection(vm.run('biniquent code', { filename: 'bad.js' }))).name).toBe('SyntaxError')
  })

  test('a VMScript runs often, and in many', async () => {
    const script = new VMScript('n = (globalThis.n ?? 0) + 1', 'count.js')
    await using first = machine()
    await using second = machine()
    expect([await first.run(script), await first.run(script), await second.run(script)]).toEqual([1, 2, 1])
  })

  test('what is frozen cannot be changed by the guest, and stays as it is here', async () => {
    const util = { add: (a: number, b: number) => a + b, deep: { list: [1] } }
    await using vm = machine()
    expect(vm.freeze(util, 'util')).toBe(util)
    await vm.run('util.add = () => "hacked"; util.deep.list.push === 1; util = 0')
    expect(await vm.run('util.add(1, 1)')).toBe(2)
    expect((await rejection(vm.run('util.deep.list.push(2)'))).name).toBe('TypeError')
    expect([util.add(1, 1), Object.isFrozen(util)]).toEqual([2, false])
  })

  test('what is protected does not change here', async () => {
    const list = [1]
    await using vm = machine()
    vm.protect(list, 'list')
    expect(await vm.run('list.push(2)')).toBe(2)
    expect(list).toEqual([1])
  })
})

test.each<[what: string, options: VMOptions, code: string, error: object]>([
  ['eval: false', { eval: false }, 'eval("1")', { name: 'EvalError' }],
  ['eval: false', { eval: false }, 'new Function("return 1")', { name: 'EvalError' }],
  ['eval: false', { eval: false }, '(async () => {}).constructor("return 1")', { name: 'EvalError' }],
  ['eval: false', { eval: false }, '(function* () {}).constructor("return 1")', { name: 'EvalError' }],
  ['wasm: false', { wasm: false }, 'WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))', { name: 'CompileError' }],
  ['wasm: false', { wasm: false }, 'new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))', { name: 'CompileError' }],
  ['allowAsync: false', { allowAsync: false }, '(async () => 1)()', { name: 'VMError', message: 'Async not available' }],
  ['fixAsync: true', { fixAsync: true }, 'Promise.resolve().then(() => 1)', { name: 'VMError', message: 'Async not available' }],
  ['strict: true', { strict: true }, 'undeclared = 1', { name: 'ReferenceError' }],
])('%s %j: %s is refused', async (_what, options, code, error) => {
  await using vm = machine(options)
  expect(await rejection(vm.run(code))).toMatchObject(error)
  expect(await vm.run('[1, 2].map((n) => n * 2)')).toEqual([2, 4])
})

test('compilers', async () => {
  await using typescript = machine({ compiler: 'typescript' })
  expect(await typescript.run('const n: number = 6 as any; n * 7')).toBe(42)
  await using own = machine({ compiler: (code, filename) => `"${filename}: ${code}"` })
  expect(await own.run('hello', 'a.txt')).toBe('a.txt: hello')
})

test('what is wrong is told', async () => {
  expect(() => new VM({ require: { external: true } } as never)).toThrow("option 'require' is not an option of new VM()")
  const vm = machine()
  expect((await rejection(vm.run(1 as never))).code).toBe('ERR_INVALID_OPTION')
  await vm[Symbol.asyncDispose]()
  expect(await rejection(vm.run('1'))).toBeInstanceOf(VMError)
})
