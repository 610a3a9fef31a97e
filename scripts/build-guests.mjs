// Bundles libraries from npm as scripts that a context can run: build/guests/NAME.js defines a global of that name.
// Examples and tests run them as guests.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const LIBRARIES = {
  lodash: import.meta.resolve('lodash'),
  marked: import.meta.resolve('marked'),
  preact: import.meta.resolve('preact'),
  acorn: import.meta.resolve('acorn'),
  // The build for browsers: the other reads files.
  handlebars: import.meta.resolve('handlebars/dist/cjs/handlebars.js'),
}

/** @param {string} root of the repository, with a closing slash */
export async function buildGuests(root) {
  await Promise.all(
    Object.entries(LIBRARIES).map(([name, url]) =>
      build({
        entryPoints: [fileURLToPath(url)],
        outfile: join(root, `build/guests/${name}.js`),
        absWorkingDir: root,
        bundle: true,
        // Contexts hold the bare language: no module system, and nothing of Node's or a browser's.
        platform: 'neutral',
        mainFields: ['module', 'main'],
        format: 'iife',
        globalName: name,
        target: 'esnext',
        charset: 'utf8',
        logLevel: 'warning',
      }),
    ),
  )
}
