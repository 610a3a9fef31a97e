import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Command, isPlain, textLike } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const FOLDER = fileURLToPath(new URL('../../examples/', import.meta.url))

/** What each example prints: all of it, or a pattern. */
const OUTPUTS: Readonly<Record<string, string | RegExp>> = {
  'vm.mjs': '42\n17\n1\n',
  'vm-docs.mjs': '42\n17\n1\n',
  'two-contexts.mjs': 'first: 3\nsecond: 100\nundefined\nundefined\n',
  'rules.mjs': `free-shipping  true
discount       0.1
weekend        true
mistake        TypeError: Cannot read properties of undefined (reading 'name') at mistake.js:1:16
never-ends     stopped after 500 ms
`,
  'plugins.mjs': `Greeter: Hello, Ada!
Miles: 26.2 mi
nosy was refused: ERR_MODULE_NOT_FOUND
lazy was refused: ERR_TIMEOUT
`,
  'agent.mjs': `{"result":100,"logs":["2 orders"]}
{"result":["refunded 1","refunded 3"],"logs":[]}
{"error":["TypeError","ERR_GUEST","at agent.js:2:17"],"logs":[]}
{"error":["TimeoutError","ERR_TIMEOUT",null],"logs":[]}
`,
  'templates.mjs': `Dear &lt;Ada&gt;: tea 3.50 cake 4.25
this template fails: Cannot read properties of undefined (reading 'toFixed')
`,
  'runaway.mjs': 'the deadline stopped it\nthe signal stopped it\nit still knows how far it came: true\nand works: 42\n',
  'restore.mjs': 'hello 1 2\nmade again\nhello 1\n',
  'named.mjs': '42\n',
  'preact.mjs': '<p>Apples: 2</p><button>One more</button>\n<p>Apples: 3</p><button>One more</button>\n',
  'page.mjs':
    'the page says: Hello, Ada!\nthe form holds: { "name": "Ada", "loud": "on" }\nno network: fetch is not available: this browser context has no network\n',
  'demo.mjs': /^Glovebox: .*\n {2}✓ .*\n\n\d+ claims held in \d+\.\d s\n$/s,
}

test('every example is here', () => {
  expect(Object.keys(OUTPUTS).sort()).toEqual(
    readdirSync(FOLDER)
      .filter((name) => name.endsWith('.mjs'))
      .sort(),
  )
})

test.each(Object.entries(OUTPUTS))('%s', async (name, expected) => {
  using scratch = temporaryDirectory()
  await using example = new Command(`${FOLDER}${name}`, [], { XDG_RUNTIME_DIR: scratch.path, TMPDIR: scratch.path })
  const { code, stdout, stderr } = await example.ended
  expect(stdout).toEqual(textLike(expected))
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(isPlain(stdout)).toBe(true)
  expect(readdirSync(scratch.path)).toEqual([])
})
