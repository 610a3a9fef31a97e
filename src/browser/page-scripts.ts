// oxlint-disable-next-line no-eval -- page scripts are the guest's, and run in the guest's realm
const indirectEval = eval

interface Executable {
  execute(options: { readonly dispatchError: (error: unknown) => void }): void
}

/** In the place of happy-dom's compiler of page scripts, which makes functions of them: here they run in the global scope, as in a browser. */
export default class PageScripts {
  compile(url: string, code: string): Executable {
    return {
      execute({ dispatchError }) {
        try {
          indirectEval(`${code}\n//# sourceURL=${url}`)
        } catch (error) {
          dispatchError(error)
        }
      },
    }
  }
}
