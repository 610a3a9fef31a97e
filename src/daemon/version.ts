import { readFileSync } from 'node:fs'

/** This package's version. The path is the same from `src` and from `dist`. */
export const VERSION: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
  .version
