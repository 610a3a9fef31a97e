import nodeVm from 'node:vm'

type Constants = { readonly DONT_CONTEXTIFY?: symbol; readonly USE_MAIN_CONTEXT_DEFAULT_LOADER?: symbol } | undefined

const known = (nodeVm as unknown as { readonly constants?: Constants }).constants

/** Node's own, where it has them: code that takes them from there works. */
export const constants: { readonly DONT_CONTEXTIFY: symbol; readonly USE_MAIN_CONTEXT_DEFAULT_LOADER: symbol } = Object.freeze({
  __proto__: null,
  DONT_CONTEXTIFY: known?.DONT_CONTEXTIFY ?? Symbol('vm_context_no_contextify'),
  USE_MAIN_CONTEXT_DEFAULT_LOADER: known?.USE_MAIN_CONTEXT_DEFAULT_LOADER ?? Symbol('vm_dynamic_import_main_context_default'),
})
