// Plain node:vm with the bridge that people write: the control of each attack, in a process of its own. Guest objects are used as if they were the host's own.
import { inspect } from 'node:util'
import vm from 'node:vm'
import { HOST, NODE_TIMERS, nodeWebGlobals } from './host.ts'

/** Timers of the attacks are due by then, in milliseconds. */
const TIMERS_MS = 20

let prelude = ''

class NaiveBridge {
  constructor(globals) {
    this.sandbox = vm.createContext(globals)
    vm.runInContext(prelude, this.sandbox)
  }

  async perform(step) {
    const { sandbox } = this
    if (typeof step === 'string') return use(vm.runInContext(step, sandbox))
    if ('run' in step) return use(vm.runInContext(step.run, sandbox, { timeout: step.timeout }))
    if ('import' in step) return this.import(step)
    if ('get' in step) return use(resolve(sandbox, step.get).target)
    if ('set' in step) return void (sandbox[step.set] = step.to)
    if ('delete' in step) return delete sandbox[step.delete]
    if ('globals' in step) return use({ ...sandbox })
    if ('call' in step) {
      const { owner, target } = resolve(sandbox, step.call)
      return use(owner === undefined ? target(...step.with) : owner[step.call.split('.').at(-1)](...step.with))
    }
    if ('invoke' in step) return use(vm.runInContext(step.invoke, sandbox)(...step.with))
    if ('idle' in step) return new Promise((done) => setTimeout(done, TIMERS_MS))
    for (let i = 0; i < step.times; i++) {
      await use(vm.runInContext(step.repeat, sandbox))
      await new Promise(setImmediate)
      if (vm.runInContext(step.until, sandbox) === true) return undefined
    }
    return undefined
  }

  async import({ import: entry, modules, timeout }) {
    const made = new Map()
    const load = (specifier) => {
      if (!Object.hasOwn(modules, specifier)) throw new Error(`there is no module '${specifier}'`)
      if (!made.has(specifier)) made.set(specifier, this.module(specifier, modules[specifier], load))
      return made.get(specifier)
    }
    const module = load(entry)
    await module.link(load)
    await Promise.race([module.evaluate(timeout === undefined ? {} : { timeout }), patience()])
    return use(module.namespace)
  }

  module(identifier, source, load) {
    if (identifier.endsWith('.cjs')) {
      const module = new vm.SyntheticModule(
        ['default'],
        () => {
          const common = { exports: {} }
          const fn = vm.compileFunction(source, ['module', 'exports', 'require'], { parsingContext: this.sandbox })
          fn(common, common.exports, (specifier) => load(specifier).namespace.default)
          module.setExport('default', common.exports)
        },
        { context: this.sandbox, identifier },
      )
      return module
    }
    return new vm.SourceTextModule(source, {
      context: this.sandbox,
      identifier,
      initializeImportMeta: (meta) => Object.assign(meta, { url: identifier, resolve: (specifier) => specifier }),
      importModuleDynamically: async (specifier) => {
        const module = load(specifier)
        if (module.status === 'unlinked') await module.link(load)
        if (module.status === 'linked') await module.evaluate()
        return module
      },
    })
  }
}

function resolve(sandbox, path) {
  let owner
  let target
  for (const key of path.split('.')) {
    owner = target
    // A `let` of the top level is no property of the sandbox.
    target = owner === undefined ? (key in sandbox ? sandbox[key] : vm.runInContext(key, sandbox)) : owner[key]
  }
  return { owner, target }
}

/** What hosts do with a result: wait for it, print it, store it, take it apart. */
async function use(given) {
  let settled = given
  try {
    if (typeof given?.then === 'function') settled = new Promise((resolve, reject) => given.then(resolve, reject))
  } catch (error) {
    look(error)
  }
  const value = await Promise.race([settled, patience()])
  for (const naive of [
    () => inspect(value, { showProxy: false, getters: true }),
    () => JSON.stringify(value),
    () => `${value}`,
    () => value > 1,
    () => Object.entries(value),
    () => ({ ...value }),
    () => value.map((row) => row),
    () => [...value],
    () => new Map(value),
    () => value.toString('utf8'),
    () => structuredClone(value),
    () => value instanceof Error && value.stack,
  ]) {
    try {
      await naive()
    } catch (error) {
      look(error)
    }
  }
  return undefined
}

/** A promise of a guest's may never settle. */
async function patience() {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** What hosts do with an error. */
function look(error) {
  for (const naive of [() => error.stack, () => inspect(error), () => `${error}`, () => error.message.split('\n')]) {
    try {
      naive()
    } catch {
      // Nothing more can be said of it.
    }
  }
}

process.on('unhandledRejection', look)
process.on('uncaughtException', look)

async function verdictOf(steps, globals) {
  const attacker = new NaiveBridge(globals)
  let peer
  for (const step of steps) {
    try {
      if (typeof step === 'object' && 'peer' in step) {
        if (peer === undefined) {
          peer = new NaiveBridge({ siblingSecret: { token: 'of the sibling' } })
        }
        await peer.perform(step.peer)
      } else await attacker.perform(step)
    } catch (error) {
      look(error)
    }
    // For what comes later by itself: rejections that nobody handles, promises that V8 settles.
    await new Promise(setImmediate)
  }
  return vm.runInContext('report(false)', attacker.sandbox)
}

async function answer({ id, steps, globals, host, web, prelude: given }) {
  prelude = given
  const all = { ...(host ? { ...NODE_TIMERS, host: { ...HOST } } : {}), ...(web ? nodeWebGlobals() : {}), ...globals }
  process.send({ id, verdict: String(await verdictOf(steps, all)) })
}

process.on('message', (request) => void answer(request))
