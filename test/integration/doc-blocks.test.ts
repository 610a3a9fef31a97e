import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { difference, type DocBlock, docBlocks, ROOT } from '../support/doc-blocks.ts'
import { fixture } from '../support/fixture.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

interface Outcome {
  readonly printed: readonly string[]
  readonly error?: string
}

/** All programs run before the first test: they take some seconds on a quiet machine. */
const ALL_MS = 120_000

const run = promisify(execFile)
const blocks = docBlocks()
const runnable = blocks.filter(({ reason }) => reason === undefined)
const programs = runnable.filter(({ language }) => language !== 'sh')
const outcomes = new Map<DocBlock, Outcome>()
/** In the checkout, where `import 'glovebox'` means this package. */
mkdirSync(join(ROOT, 'build'), { recursive: true })
const folder = mkdtempSync(join(ROOT, 'build', 'doc-blocks-'))

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await testDaemon()
  // What pages speak of: a rule, and the command.
  writeFileSync(join(folder, 'glovebox'), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist', 'cli', 'main.js')}' "$@"\n`)
  chmodSync(join(folder, 'glovebox'), 0o755)
  writeFileSync(join(folder, 'rule.js'), '6 * 7')
  const env = { ...process.env, GLOVEBOX_SOCKET: daemon.socket, PATH: [folder, process.env['PATH']].join(delimiter), NO_COLOR: '1' }
  // What it bundles, programs may read.
  const runShell = async (block: DocBlock): Promise<void> => {
    const outcome = await run('sh', ['-e', '-c', block.code], { cwd: folder, env }).then(
      ({ stdout: text }) => ({ printed: text.trimEnd().split('\n') }),
      (error: Error) => ({ printed: [], error: error.message }),
    )
    outcomes.set(block, outcome)
  }
  await Promise.all(runnable.filter(({ language }) => language === 'sh').map(runShell))
  const files = programs.map(({ code, language }, at) => {
    const file = join(folder, `block-${at}.${language === 'ts' ? 'mts' : 'mjs'}`)
    writeFileSync(file, withBox(code))
    return file
  })
  const { stdout } = await run(process.execPath, [fixture('doc-blocks.mjs'), ...files], { cwd: folder, env })
  for (const [at, outcome] of (JSON.parse(stdout) as Outcome[]).entries()) outcomes.set(programs[at] as DocBlock, outcome)
}, ALL_MS)
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Pages after their first example leave out how `box` came to be. */
function withBox(code: string): string {
  return /\bbox\b/.test(code) && !/\bbox = /.test(code)
    ? `import { connect as open } from 'glovebox'\nawait using box = await open()\n${code}`
    : code
}

test('pages have blocks that run', () => {
  expect(runnable.length).toBeGreaterThan(20)
})

describe.each([...new Set(runnable.map(({ page }) => page))])('%s', (page) => {
  test.each(runnable.filter((block) => block.page === page).map((block) => [block.place, block] as const))('%s', (_place, block) => {
    const { printed, error } = outcomes.get(block) ?? { printed: [], error: 'did not run: one before it does not end' }
    expect(error).toBe(undefined)
    expect(difference(block.says, printed)).toBe(undefined)
  })
})
