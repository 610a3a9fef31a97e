import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as esbuild from 'esbuild'
import { UsageError } from './usage-error.ts'

export type Esbuild = typeof esbuild

/** esbuild as it is installed beside this package, or else in the current folder's project. Only who bundles needs it, and it would double the size of an installation: so it does not come along. */
export function loadEsbuild(): Esbuild {
  for (const from of [import.meta.filename, join(process.cwd(), 'package.json')]) {
    const require = createRequire(from)
    try {
      return require('esbuild') as Esbuild
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new UsageError("'glovebox bundle' needs esbuild, which is not installed here: npm install --save-dev esbuild")
}
