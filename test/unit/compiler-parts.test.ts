import { describe, expect, test, vi } from 'vitest'
import { sourceHash } from '../../src/base/source-hash.ts'
import { withThreads } from '../../src/compiler/attestation.ts'
import { type Answer, Compilations } from '../../src/compiler/compilations.ts'
import type { CompileTask, Outcome } from '../../src/compiler/outcome.ts'
import { CompileQueue } from '../../src/compiler/queue.ts'
import { stripTypes } from '../../src/compiler/strip-types.ts'
import { unitsBefore } from '../../src/compiler/swc-columns.ts'
import { COMPILE_QUEUE, COMPILE_TIMEOUT_MS } from '../../src/protocol/limits.ts'

describe('the hash of a source', () => {
  const base = { language: 'js', format: 'script', filename: 'a.js', source: 'x' }

  test('is the one that the protocol names', () => {
    // printf 'js\nscript\n4\na.jsx' | iconv -t UTF-16LE | sha256sum
    expect(sourceHash(base).toString('hex')).toBe('30d8a5f43acd2332c036888a204169fd911fb2ab9463d3c40b45d647de31a7db')
  })

  test('differs with anything that it is made of', () => {
    const all = [
      base,
      { ...base, language: 'ts' },
      { ...base, format: 'module' },
      { ...base, filename: undefined },
      { ...base, filename: '' },
      { ...base, filename: 'a.js\n' },
      { ...base, filename: 'a.jsx', source: '' },
      { ...base, source: '' },
      { ...base, source: '\ud800' },
      { ...base, source: '\udc00' },
      { ...base, source: '\ufffd' },
    ].map((identity) => sourceHash(identity).toString('hex'))
    expect(new Set(all).size).toBe(all.length)
  })
})

test.each([
  ['abc', 0, 0],
  ['abc', 2, 2],
  ['abc', 9, 3],
  ['\tlet', 4, 1],
  ['"中" ;;)', 8, 7],
  ['"😀" ;', 6, 5],
  ['"e\u0301" ;', 4, 5],
])('of %j, swc’s column %d is behind %d code units', (line, column, units) => {
  expect(unitsBefore(line, column)).toBe(units)
})

describe('types are stripped', () => {
  test.each<[source: string, code: string]>([
    ['let x: number = 1', 'let x         = 1'],
    ['interface A { b: string }\nlet y = 2 as unknown as A', `${' '.repeat(25)}\nlet y = 2${' '.repeat(16)}`],
    ['f<string>(a!)', 'f        (a )'],
    ['let s = "ä€😀" satisfies string; s', 'let s = "ä€😀"                 ; s'],
    ['#!/usr/bin/env x\nlet x: number = 1', '#!/usr/bin/env x\nlet x         = 1'],
    ['\ufefflet x: number', 'let x        '],
    ['', ''],
  ])('by blanks: %j', (source, code) => {
    expect(stripTypes(source, 'a.ts', 'script')).toEqual({ code, sourceMap: undefined })
  })

  test.each<[source: string, pattern: RegExp]>([
    ['enum A { B = 2 }\nlet z: A = A.B', /^var A = [^]*"B"\] = 2/],
    ['namespace N { export const x = 1 }', /N\.x = 1/],
    ['class C { constructor(private readonly p: number) {} }', /this\.p = p/],
    ['let x = <any>y', /let x = y/],
  ])('by code: %j', (source, pattern) => {
    const { code, sourceMap } = stripTypes(source, 'a.ts', 'script')
    expect(code).toMatch(pattern)
    expect(JSON.parse(sourceMap ?? '')).toMatchObject({ version: 3, sources: ['a.ts'] })
  })

  test.each([
    ['import type { A } from "b"; 5', '                            5'],
    ['import { a } from "b"', 'import { a } from "b"'],
    ['let a: 1; await 1', 'let a   ; await 1'],
    ['var yield: 1', 'var yield   '],
  ])('of a script, whatever statements of modules it has: %j', (source, code) => {
    expect(stripTypes(source, 'a.ts', 'script').code).toBe(code)
  })

  test.each<[title: string, source: string, stack: RegExp]>([
    ['no type', 'let a = 1\nlet x: = 2', /^a\.ts:2\nlet x: = 2\n {7}\^\n\nSyntaxError: Unexpected token/],
    ['behind wide characters', 'let s = "中😀" ;;)', /^a\.ts:1\nlet s = "中😀" ;;\)\n {16}\^\n\nSyntaxError: /],
    ['after other lines', 'let a\n\nlet x: = 1\nlet b', /^a\.ts:3\nlet x: = 1\n {7}\^/],
    ['the end of the input', 'let a\nf(', /^a\.ts:2\nf\(\n {2}\^\n\nSyntaxError: /],
    ['lines that end in other ways', 'a\r\nlet x: = 1', /^a\.ts:2\nlet x: = 1\n {7}\^/],
    ['no type after an import', 'import type { A } from "b"\nlet x: = 2', /^a\.ts:2\nlet x: = 2\n {7}\^/],
    ['no type after what no module has', 'var yield: 1\nlet x: = 2', /^a\.ts:2\nlet x: = 2\n {7}\^/],
    ['a lone surrogate', 'let a\nlet s = "\ud800"', /^a\.ts:2\nlet s = "\ud800"\n {9}\^\n\nSyntaxError: a lone surrogate/],
  ])('%s is told with line and caret', (_title, source, stack) => {
    const thrown = (() => {
      try {
        return stripTypes(source, 'a.ts', 'script')
      } catch (error) {
        return error
      }
    })()
    expect((thrown as Error).stack).toMatch(stack)
  })
})

describe('the queue', () => {
  const job = (name: string, alone = false, size = 1) => ({ name, alone, size })

  test('starts as many as there are threads, first come, first served', () => {
    const queue = new CompileQueue<ReturnType<typeof job>>(2)
    for (const name of ['a', 'b', 'c', 'd']) expect(queue.add(job(name))).toBe(true)
    const a = queue.next()
    expect([a?.name, queue.next()?.name, queue.next()]).toEqual(['a', 'b', undefined])
    expect([queue.waiting, queue.running]).toEqual([2, 2])
    if (a !== undefined) queue.finished(a)
    expect([queue.next()?.name, queue.next()]).toEqual(['c', undefined])
  })

  test('has one run alone: after what runs, before what came later, and nothing beside it', () => {
    const queue = new CompileQueue<ReturnType<typeof job>>(2)
    for (const each of [job('a'), job('b', true), job('c'), job('d')]) queue.add(each)
    const a = queue.next()
    expect([a?.name, queue.next()]).toEqual(['a', undefined])
    if (a !== undefined) queue.finished(a)
    const b = queue.next()
    expect([b?.name, queue.next()]).toEqual(['b', undefined])
    if (b !== undefined) queue.finished(b)
    expect([queue.next()?.name, queue.next()?.name]).toEqual(['c', 'd'])
  })

  test('has bounds in number and in size, and room again for what left', () => {
    const queue = new CompileQueue<ReturnType<typeof job>>(1)
    for (let n = 0; n < COMPILE_QUEUE.max; n++) expect(queue.add(job(`${n}`))).toBe(true)
    expect(queue.add(job('one too many'))).toBe(false)
    queue.next()
    expect(queue.add(job('again'))).toBe(true)

    const large = new CompileQueue<ReturnType<typeof job>>(1)
    const half = job('half', false, COMPILE_QUEUE.maxSource / 2)
    expect([large.add(half), large.add(job('other half', false, half.size)), large.add(job('a drop'))]).toEqual([true, true, false])
    expect([large.remove(half), large.remove(half), large.add(job('a drop'))]).toEqual([true, false, true])
  })
})

describe('compilations', () => {
  const compiled: Outcome = { type: 'compiled', code: 'c', imports: [], sourceMap: undefined, cachedData: undefined }
  const tooDeep: Outcome = { type: 'threw', name: 'RangeError', message: 'deep', stack: 'deep', threadLost: true }
  const task = (source: string, cache = true): CompileTask => ({ language: 'js', format: 'script', filename: undefined, source, cache })

  /** Threads that answer when the test says so, and what was answered. */
  function stage() {
    const said: string[] = []
    const work: { readonly source: string; readonly signal: AbortSignal; readonly done: PromiseWithResolvers<Outcome> }[] = []
    const compilations: Compilations = new Compilations(
      {
        compile: async ({ source }, signal) => {
          const done = Promise.withResolvers<Outcome>()
          work.push({ source, signal, done })
          return done.promise
        },
      },
      () => said.push('retire'),
    )
    const answerOf = (name: string): Answer => ({
      started: () => said.push(`${name} started`),
      compiled: (_hash, { code }) => said.push(`${name} compiled ${code}`),
      threw: ({ message }) => said.push(`${name} threw ${message}`),
      failed: (code) => said.push(`${name} failed ${code}`),
    })
    const submit = (name: string, cache = true, alone = false) => compilations.submit(task(name, cache), alone, answerOf(name))
    const settle = async (index: number, end: (done: PromiseWithResolvers<Outcome>) => void): Promise<void> => {
      end(work[index]?.done as PromiseWithResolvers<Outcome>)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
    return { said, work, compilations, submit, settle }
  }

  test('what was compiled is known, with and without a code cache', async () => {
    const { said, submit, settle } = stage()
    submit('a')
    submit('b', false)
    await settle(0, ({ resolve }) => resolve(compiled))
    await settle(1, ({ resolve }) => resolve({ ...compiled, code: 'd' }))
    submit('a')
    submit('b', false)
    submit('b')
    expect(said).toEqual(['a started', 'b started', 'a compiled c', 'b compiled d', 'a compiled c', 'b compiled d', 'b started'])
  })

  test('what waited for the same is answered with it', async () => {
    const { said, submit, settle, work } = stage()
    for (const name of ['a', 'b', 'a']) submit(name)
    await settle(0, ({ resolve }) => resolve(compiled))
    expect(said).toEqual(['a started', 'b started', 'a compiled c', 'a compiled c'])
    expect(work).toHaveLength(2)
  })

  test('what is withdrawn in time never starts', async () => {
    const { said, submit, settle, compilations } = stage()
    const [a, , c] = ['a', 'b', 'c'].map((name) => submit(name))
    if (a === undefined || c === undefined) throw new Error('both must wait')
    expect([compilations.withdraw(a), compilations.withdraw(c), compilations.withdraw(c)]).toEqual([false, true, false])
    await settle(0, ({ resolve }) => resolve(compiled))
    expect(said).toEqual(['a started', 'b started', 'a compiled c'])
    expect(compilations.unanswered).toBe(1)
  })

  test('a source that costs its thread is answered; what runs beside it may end, what waits is left', async () => {
    vi.useFakeTimers()
    try {
      const { said, submit, settle } = stage()
      for (const name of ['a', 'b', 'c']) submit(name)
      await settle(0, ({ resolve }) => resolve(tooDeep))
      expect(said).toEqual(['a started', 'b started', 'a threw deep'])
      await settle(1, ({ resolve }) => resolve(compiled))
      expect(said.slice(3)).toEqual(['b compiled c', 'retire'])
    } finally {
      vi.useRealTimers()
    }
  })

  test('what runs beside it for too long is left, too', async () => {
    vi.useFakeTimers()
    try {
      const { said, submit, settle } = stage()
      for (const name of ['a', 'b']) submit(name)
      await settle(0, ({ reject }) => reject(Object.assign(new Error('oom'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })))
      vi.advanceTimersByTime(999)
      expect(said).toEqual(['a started', 'b started', 'a failed ERR_COMPILER_CRASHED'])
      vi.advanceTimersByTime(1)
      expect(said.slice(3)).toEqual(['retire'])
    } finally {
      vi.useRealTimers()
    }
  })

  test('a source has a deadline', async () => {
    vi.useFakeTimers()
    try {
      const { said, submit, settle, work } = stage()
      submit('a')
      vi.advanceTimersByTime(COMPILE_TIMEOUT_MS - 1)
      expect(work[0]?.signal.aborted).toBe(false)
      vi.advanceTimersByTime(1)
      expect(work[0]?.signal.aborted).toBe(true)
      await settle(0, ({ reject }) => reject(new Error('aborted')))
      expect(said).toEqual(['a started', 'a failed ERR_TIMEOUT', 'retire'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the attestation of a process with threads', () => {
  const attack = (name: string, layer: 'L2' | 'L3' | 'L4', refused: boolean) => ({
    name,
    layer,
    refused,
    evidence: refused ? 'EPERM' : 'succeeded',
  })
  const own = {
    layers: [
      { layer: 'L4', held: true, detail: 'namespaces' },
      { layer: 'L3', held: true, detail: 'seccomp' },
      { layer: 'L2', held: true, detail: 'dropped' },
    ] as const,
    attacks: [attack('fork', 'L4', true), attack('fork', 'L3', true), attack('fs', 'L2', true)],
  }

  test('is the process’s, if no thread got further', () => {
    expect(withThreads(own, [own.attacks, own.attacks.slice(1)])).toEqual(own)
  })

  test('has what a single thread got through', () => {
    const { layers, attacks } = withThreads(own, [own.attacks, [attack('fork', 'L3', true), attack('fs', 'L2', false)]])
    expect(attacks).toEqual([...own.attacks.slice(0, 2), attack('fs', 'L2', false)])
    expect(layers).toEqual([...own.layers.slice(0, 2), { layer: 'L2', held: false, detail: 'in a thread: fs: succeeded' }])
  })
})
