import { type ModuleHost, partsOf, VmModule } from './module.ts'
import { invalidType, invalidValue } from './node-errors.ts'
import { checkFunction, checkObject, checkString } from './validate.ts'

type Give = (index: number, value: unknown) => Promise<unknown>

/** A module whose exports this process gives: `vm.SyntheticModule` of Node's. */
export class VmSyntheticModule extends VmModule {
  readonly #values = new Map<string, unknown>()
  /** Gives an export that was evaluated another value. */
  #give: Give | undefined

  constructor(host: ModuleHost, exportNames: unknown, evaluateCallback: unknown, options: unknown = {}) {
    if (!Array.isArray(exportNames) || exportNames.some((name) => typeof name !== 'string'))
      throw invalidType('exportNames', 'an instance of Array of unique strings', exportNames)
    const names = exportNames as readonly string[]
    for (const [i, name] of names.entries())
      if (names.includes(name, i + 1)) throw invalidValue(`exportNames.${name}`, name, 'is duplicated')
    checkFunction(evaluateCallback, 'evaluateCallback')
    checkObject(options, 'options')
    const steps = async (give: unknown): Promise<readonly unknown[]> => {
      this.#give = give as Give
      Reflect.apply(evaluateCallback, this, [])
      return names.map((name) => this.#values.get(name))
    }
    super(host, options, {
      content: () => ({ source: sourceFor(names), meta: { steps } }),
      importer: undefined,
      linkWith: async () => undefined,
    })
    for (const name of names) this.#values.set(name, undefined)
    // It imports nothing.
    partsOf(this).status = 'linked'
  }

  /** Does nothing: it imports nothing. */
  async link(): Promise<void> {
    // As in node:vm.
  }

  /** Sets what it exports. Once it is evaluated, those who import it see the new value when the promise resolves; {@link namespace} stays as it was. */
  async setExport(name: string, value: unknown): Promise<void> {
    checkString(name, 'name')
    if (!this.#values.has(name)) throw new ReferenceError(`Export '${name}' is not defined in module`)
    this.#values.set(name, value)
    if (this.status !== 'evaluated') return
    await this.#give?.([...this.#values.keys()].indexOf(name), value)
  }
}

/** A module that asks for its values, and lets them be set later. */
function sourceFor(names: readonly string[]): string {
  const list = names.map((_, i) => `e${i}`).join()
  const exported = names.map((name, i) => `e${i} as ${JSON.stringify(name)}`).join()
  const cases = names.map((_, i) => `case ${i}: e${i} = value; return`).join(';')
  return `let ${list === '' ? '_' : list}; export { ${exported} }; const values = await import.meta.steps((i, value) => { switch (i) { ${cases} } });
${names.map((_, i) => `e${i} = values[${i}]`).join(';')}`
}
