import { inspect, isDeepStrictEqual } from 'node:util'
import { type Box, type Context, GloveboxError, GuestError, type GuestFunction, OutputLimitError, TimeoutError, ValueError } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundWorker, type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { checkLeaks } from '../../support/leaks.ts'
import type { Attack, Step } from './attack.ts'
import { Control } from './control.ts'
import { HOST } from './host.ts'
import { PRELUDE } from './prelude.ts'

const SECRET = { token: 'of the sibling' }
/** What tells whether somebody changed a realm: its globals and what most objects inherit. */
const INVENTORY = `[globalThis, Object.prototype, Function.prototype, Array.prototype, Promise.prototype, Error, Error.prototype]
  .map((holder) => Reflect.ownKeys(holder).map(String).join()).join(';') + JSON.stringify(siblingSecret)`
/** Failures that a guest can bring about, besides what it throws. */
const GUEST_MADE = new Set(['ERR_NOT_A_FUNCTION', 'ERR_INTERRUPTED'])
/** Files of ours and of Node's. */
const LEAKING = /glovebox:|node:(internal|vm)|\/dist\/|\/src\//
const MODES = ['alone', 'beside a sibling'] as const

/** One class of attacks, each in a fresh context of one worker, with and without a sibling there, and beside its control. */
export function describeEscapes(title: string, attacks: readonly Attack[]): void {
  checkLeaks()
  let daemon: TestDaemon
  let box: Box
  let worker: number
  const control = new Control()
  const controls = new Map<Attack, Promise<string>>()
  const controlOf = async (attack: Attack): Promise<string> => {
    const known = controls.get(attack) ?? control.verdict(attack)
    controls.set(attack, known)
    return known
  }

  beforeAll(async () => {
    // One worker: a context that keeps running until its deadline is not moved out of company then.
    daemon = await testDaemon({ max: 1 })
    box = await daemon.connect()
    await box.run('0')
    worker = await boundWorker(box)
  })
  afterAll(async () => {
    await control[Symbol.asyncDispose]()
    await box.dispose()
    await daemon[Symbol.asyncDispose]()
  })

  describe.each(MODES)(`${title}, %s`, (mode) => {
    test.each(attacks.map((attack) => [attack.title, attack] as const))('%s', async (_title, attack) => {
      expect(classOf(await controlOf(attack)), 'the control').toBe(attack.control)
      const sibling = mode === 'alone' ? undefined : await siblingOf(box)
      const ctx = await box.createContext(attack.host === true ? { ...attack.globals, host: HOST } : attack.globals)
      const said = listen(ctx)
      await ctx.run(PRELUDE)
      const stage = new Stage(box, ctx, sibling)
      for (const step of attack.steps) await stage.perform(step)

      const [verdict, looked] = String(await ctx.run('report(true)')).split('|')
      expect(Number(looked), 'how often the attack had something to look at').toBeGreaterThan(0)
      const expected = attack.knownLeak === undefined ? ['own', ...(attack.finds === 'moat' ? ['moat'] : [])] : [attack.knownLeak]
      expect(expected, 'what the attack found').toContain(verdict)
      expect(await stage.siblingIsWell(), 'the sibling is as it was').toBe(true)
      const leaks = [...said, ...stage.errors].map((each) => inspect(each, { depth: 8 })).filter((text) => LEAKING.test(text))
      // Inside a guest's own prepareStackTrace V8 formats nested stacks by itself, and names frames of ours: see SECURITY.md.
      const formatsStacks = attack.steps.some((step) => typeof step === 'string' && step.includes('prepareStackTrace ='))
      expect(attack.knownLeak === undefined && !formatsStacks ? leaks : [], 'names of ours in what the client is told').toEqual([])
      await ctx.dispose()
      const { workers, deaths } = await box.status()
      expect(deaths, 'dead workers').toEqual([])
      expect(workers.filter(({ state }) => state === 'bound').map(({ pid }) => pid)).toEqual([worker])
    })
  })
}

function classOf(verdict: string): Attack['control'] {
  if (verdict === 'crashes' || verdict === 'hangs') return verdict
  const [found, looked] = verdict.split('|')
  expect(Number(looked), 'how often the control had something to look at').toBeGreaterThan(0)
  return found === 'own' ? 'contained' : 'escapes'
}

async function siblingOf(box: Box): Promise<Sibling> {
  const context = await box.createContext({ siblingSecret: SECRET })
  await context.run(PRELUDE)
  return { context, before: await context.run(INVENTORY) }
}

interface Sibling {
  readonly context: Context
  readonly before: unknown
}

/** Everything that the context says by itself. */
function listen(ctx: Context): readonly unknown[] {
  const said: unknown[] = []
  for (const name of ['console', 'unhandledRejection', 'uncaughtException'] as const) ctx.on(name, (event: unknown) => said.push(event))
  return said
}

/** Plays the steps of one attack. Failures that a guest can bring about are part of the game; all others fail the test. */
class Stage {
  /** What the guest threw. */
  readonly errors: unknown[] = []
  readonly #box: Box
  readonly #context: Context
  #sibling: Sibling | undefined

  constructor(box: Box, context: Context, sibling: Sibling | undefined) {
    this.#box = box
    this.#context = context
    this.#sibling = sibling
  }

  async perform(step: Step): Promise<void> {
    try {
      if (typeof step === 'object' && 'peer' in step) {
        this.#sibling ??= await siblingOf(this.#box)
        await this.#sibling.context.run(step.peer)
      } else await this.#attack(step)
    } catch (error) {
      if (error instanceof GuestError) this.errors.push(error.stack, error.message, error.name)
      if (error instanceof GuestError || error instanceof ValueError || error instanceof OutputLimitError) return
      if (error instanceof GloveboxError && GUEST_MADE.has(error.code)) return
      if (error instanceof TimeoutError && typeof step === 'object' && ('timeout' in step || 'idle' in step)) return
      throw error
    }
  }

  async #attack(step: Exclude<Step, { readonly peer: string }>): Promise<unknown> {
    const context = this.#context
    if (typeof step === 'string') return context.run(step)
    if ('run' in step) return context.run(step.run, { timeout: step.timeout })
    if ('import' in step) return context.import(step.import, { modules: step.modules, timeout: step.timeout ?? 5_000 })
    if ('get' in step) return context.get(step.get)
    if ('set' in step) return context.set(step.set, step.to)
    if ('delete' in step) return context.delete(step.delete)
    if ('globals' in step) return context.globals()
    if ('call' in step) return context.call(step.call, ...step.with)
    if ('invoke' in step) return this.#invoke(step)
    if ('idle' in step) return context.idle({ timeout: step.idle })
    for (let i = 0; i < step.times; i++) {
      await context.run(step.repeat)
      if ((await context.run(step.until)) === true) return undefined
    }
    throw new Error(`it never came to '${step.until}'`)
  }

  async #invoke({ invoke, with: args }: Extract<Step, { readonly invoke: string }>): Promise<unknown> {
    const fn = (await this.#context.run(invoke)) as GuestFunction
    try {
      return await fn(...args)
    } finally {
      // One of the host's own that came home has no handle.
      ;(fn as Partial<GuestFunction>)[Symbol.dispose]?.()
    }
  }

  /** Whether nobody read or changed the sibling, and it works as before. */
  async siblingIsWell(): Promise<boolean> {
    if (this.#sibling === undefined) return true
    const { context, before } = this.#sibling
    const [after, secret, verdict] = [await context.run(INVENTORY), await context.get('siblingSecret'), await context.run('report(true)')]
    await context.dispose()
    return after === before && isDeepStrictEqual(secret, SECRET) && /^(own|moat)\|/.test(String(verdict))
  }
}
