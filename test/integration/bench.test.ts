import { execFile } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const BENCH = fileURLToPath(new URL('../../bench/', import.meta.url))
/** Those that Glovebox is compared with, which `npm run bench` and what runs before the tests install. */
const peersAreThere = existsSync(`${BENCH}node_modules/.package-lock.json`)
/** Says nothing about speed: other tests may have the processors. */
const TIMEOUT_MS = 240_000

const run = async (...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [`${BENCH}main.ts`, ...args], { timeout: TIMEOUT_MS })
  expect(stderr).toBe('')
  return stdout
}

const into = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
afterAll(() => rmSync(into, { recursive: true }))
const page = (): string => readFileSync(join(into, 'README.md'), 'utf8')

function expectPicture(name: string): string {
  const svg = readFileSync(join(into, name), 'utf8')
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
  expect(svg.replaceAll(/<\/?[a-z]+(?: [\w:-]+="[^"<]*")* ?\/?>/gi, '')).not.toContain('<')
  return svg
}

test.skipIf(!peersAreThere)(
  'in rows of the benchmark all do the same work',
  async () => {
    // Not all rows: `npm run bench -- --smoke` takes a minute.
    const rows = ['P1', 'P2', 'P4-FIB', 'P8']
    const stdout = await run(...rows, '--smoke')
    for (const row of rows) expect(stdout).toMatch(new RegExp(`^${row}: \\d+ contenders, and each counted to \\d+$`, 'm'))
  },
  TIMEOUT_MS,
)

test.skipIf(!peersAreThere)(
  'a row that is measured gets a file, a part of the page and a chart; the page is made of all files that are there',
  async () => {
    await run('P1', '--quick', '--write', '--into', into)
    const file = join(into, 'results', 'P1.json')
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    expect(stored).toMatchObject({
      id: 'P1',
      command: 'npm run bench -- P1',
      lines: [{ contender: 'glovebox' }, { contender: 'bare echo', target: { atMost: 1.15 } }],
    })
    expect(Object.keys(stored)).toEqual(['id', 'title', 'date', 'commit', 'command', 'machine', 'metric', 'rounds', 'lines'])
    expect(page()).toMatch(/^### P1$/m)

    // As if it had been measured another day; the other file's figures stay.
    writeFileSync(join(into, 'results', 'P11.json'), JSON.stringify({ ...stored, id: 'P11', title: 'a | b & <c>' }))
    const before = page().split('## The machine')[0]?.split('### P1\n')[1]
    await run('report', '--into', into)
    expect(page().split('### P11')[0]).toContain(before?.trim())
    expect(page()).toContain('| [P11](#p11) | a \\| b & <c> | bare echo |')
    const charts = readdirSync(into).filter((name) => name.endsWith('.svg'))
    expect(charts.sort()).toEqual(['P1.svg', 'P11.svg', 'main.svg'])
    for (const name of charts) expect(expectPicture(name)).toContain('target ≤ 1.15')
  },
  TIMEOUT_MS,
)

test.skipIf(!peersAreThere)(
  'scale curves are measured, stored, and drawn beside the rows',
  async () => {
    await run('scale', '--quick', '--write', '--into', into)
    for (const [id, at] of [
      ['clients', 10],
      ['contexts', 10],
      ['payload', 256],
      ['workers', 2],
    ] as const) {
      const { points } = JSON.parse(readFileSync(join(into, 'scale', `${id}.json`), 'utf8')) as { readonly points: unknown }
      expect(points).toMatchObject([{ at }])
      expect(page()).toContain(`(scale-${id}.svg)`)
      expectPicture(`scale-${id}.svg`)
    }
  },
  TIMEOUT_MS,
)

test.skipIf(!peersAreThere)(
  'two builds are measured side by side, each with its own files',
  async () => {
    const base = join(into, 'base')
    const loaded = join(into, 'loaded')
    cpSync(`${BENCH}../dist`, join(base, 'dist'), { recursive: true })
    cpSync(`${BENCH}../package.json`, join(base, 'package.json'))
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(base, 'node_modules'))
    appendFileSync(
      join(base, 'dist/client/index.js'),
      `\nimport { appendFileSync } from 'node:fs'\nappendFileSync(${JSON.stringify(loaded)}, '1')\n`,
    )
    const stdout = await run('P1', '--compare', base, '--quick')
    expect(stdout).toMatch(/P1 +│ p50 µs │ +[\d,.]+ │ +[\d,.]+ │ +\d+\.\d{3} │ +\d+\.\d{3}–\d+\.\d{3} │ (?:better|worse|same|unclear) /)
    expect(stdout).toContain(`ratio: this build ÷ ${base}`)
    expect(readFileSync(loaded, 'utf8')).toBe('1')
  },
  TIMEOUT_MS,
)

const REFUSED: readonly (readonly [readonly string[], string])[] = [
  [['P99'], "there is no row 'P99': known are P1, P2, "],
  [['report', 'P1'], 'report takes no rows'],
  [['report', '--into', join(into, 'none')], 'there are no results in '],
  [['P1', '--compare', into], `--compare: ${into} has no dist/client/index.js: build it first`],
  [['P1', '--compare', 'no-such-branch'], "--compare: 'no-such-branch' is neither a folder nor a commit that git knows here"],
  [['P1', '--compare', 'main', '--write'], '--compare goes with rows and --quick only'],
  [['P1', '--quick', '--write'], '--quick gives figures that mean nothing'],
]

test.skipIf(!peersAreThere)(
  'the benchmark refuses what it cannot do, and says why',
  async () => {
    await Promise.all(REFUSED.map(([args, message]) => expect(run(...args)).rejects.toThrow(`bench: ${message}`)))
  },
  TIMEOUT_MS,
)
