// oxlint-disable-next-line no-eval -- page scripts are the guest's, and run in the guest's realm
const indirectEval = eval

/** happy-dom's scripts of a page. The window is the realm's global object, so that they run as any script of the guest's. */
export class Script {
  readonly #source: string

  constructor(code: string, options?: { readonly filename?: string }) {
    const { filename } = options ?? {}
    this.#source = filename === undefined ? code : `${code}\n//# sourceURL=${filename.replaceAll(/\s/g, '%20')}`
  }

  runInContext(): unknown {
    return indirectEval(this.#source)
  }
}

/** It need not make a context: there is one. */
export const isContext = (): boolean => true

export default { Script, isContext }
