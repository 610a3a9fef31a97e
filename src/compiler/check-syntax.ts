import vm from 'node:vm'
import type { Format, SourceImport } from '../protocol/compiler-link.ts'
import { MAX_CACHED_DATA_BYTES } from '../protocol/limits.ts'

/** What is used of `vm.SourceTextModule` (`--experimental-vm-modules`), which @types/node do not know in full. */
interface ParsedModule {
  readonly moduleRequests: readonly { readonly specifier: string; readonly attributes: Readonly<Record<string, string>> }[]
  createCachedData(): Uint8Array
}

/** What V8 makes of code that parses. */
export interface Parsed {
  /** Those of a module's statements. */
  readonly imports: readonly SourceImport[]
  readonly cachedData: Uint8Array | undefined
}

/** Has V8 compile code, which is never run. Throws V8's SyntaxError, or a RangeError for what is nested too deeply. */
export function parse(code: string, filename: string, format: Format, cache: boolean): Parsed {
  if (format === 'script') {
    const script = new vm.Script(code, { filename })
    return { imports: [], cachedData: cache ? bounded(script.createCachedData()) : undefined }
  }
  const module = new vm.SourceTextModule(code, { identifier: filename }) as unknown as ParsedModule
  const imports = module.moduleRequests.map(({ specifier, attributes }) => ({ specifier, dynamic: false, attributes: { ...attributes } }))
  return { imports, cachedData: cache ? bounded(module.createCachedData()) : undefined }
}

function bounded(cachedData: Uint8Array): Uint8Array | undefined {
  return cachedData.length > MAX_CACHED_DATA_BYTES ? undefined : cachedData
}
