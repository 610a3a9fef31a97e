import { readFileSync } from 'node:fs'
import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let page: Context
beforeAll(async () => {
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  page = await box.createContext({}, { globals: 'browser' })
})
afterEach(async () => {
  await page.dispose()
})

test.each<[title: string, code: string, expected: unknown]>([
  [
    'the window is the global object',
    '[window, self, top, parent, frames, document.defaultView].map((each) => each === globalThis)',
    Array(6).fill(true),
  ],
  [
    'classes are globals',
    '[HTMLElement, Node, Event, EventTarget, MutationObserver, FormData].map((each) => each.name)',
    ['HTMLElement', 'Node', 'Event', 'EventTarget', 'MutationObserver', 'FormData'],
  ],
  [
    'instances',
    'const e = document.createElement("p"); [e instanceof HTMLElement, e instanceof Node, e instanceof EventTarget, window instanceof EventTarget, window instanceof Window]',
    Array(5).fill(true),
  ],
  [
    'innerHTML and selectors',
    'document.body.innerHTML = "<ul><li class=a>1<li>2</ul>"; [document.querySelectorAll("ul > li").length, document.querySelector(".a + li").textContent, document.body.innerHTML]',
    [2, '2', '<ul><li class="a">1</li><li>2</li></ul>'],
  ],
  [
    'events bubble up to the window, and back',
    `
    document.body.innerHTML = '<b></b>'
    const seen = []
    for (const target of [window, document, document.body, document.querySelector('b')])
      for (const capture of [true, false]) target.addEventListener('click', (e) => seen.push(e.currentTarget === target && capture), { capture })
    document.querySelector('b').click()
    seen`,
    [true, true, true, true, false, false, false, false],
  ],
  [
    'default actions are prevented',
    'document.body.innerHTML = "<input type=checkbox>"; const box = document.querySelector("input"); box.onclick = (e) => e.preventDefault(); box.click(); box.checked',
    false,
  ],
  [
    'events of the window',
    'let seen; addEventListener("tick", function (e) { seen = [this === window, e.target === window, e.detail] }); dispatchEvent(new CustomEvent("tick", { detail: 7 })); seen',
    [true, true, 7],
  ],
  [
    'forms',
    'document.body.innerHTML = "<form><input name=a value=1><select name=b><option value=2 selected></select><textarea name=c>3</textarea></form>"; [...new FormData(document.forms[0])].join(" ")',
    'a,1 b,2 c,3',
  ],
  [
    'MutationObserver',
    'new Promise((done) => { new MutationObserver((records) => done(records.map(({ type }) => type))).observe(document.body, { childList: true, attributes: true }); document.body.append("x"); document.body.id = "y" })',
    ['childList', 'attributes'],
  ],
  [
    'custom elements',
    'customElements.define("x-x", class extends HTMLElement { connectedCallback() { this.attachShadow({ mode: "open" }).innerHTML = "<i>mine</i>" } }); document.body.innerHTML = "<x-x></x-x>"; document.querySelector("x-x").shadowRoot.textContent',
    'mine',
  ],
  ["timers are the realm's", '[setTimeout, window.setTimeout === setTimeout, await0()].length; function await0() {}', 3],
  ['timers and animation frames', 'new Promise((done) => setTimeout(() => requestAnimationFrame(() => done("both")), 1))', 'both'],
  [
    'page scripts run in the global scope',
    'const s = document.createElement("script"); s.textContent = "var fromPage = document.currentScript === document.scripts[0]"; document.body.append(s); fromPage',
    true,
  ],
  [
    'handlers in attributes',
    'document.body.innerHTML = "<b onclick=\'globalThis.clicked = this.nodeName\'></b>"; document.querySelector("b").click(); clicked',
    'B',
  ],
  [
    'styles',
    'document.head.innerHTML = "<style>p { color: red }</style>"; document.body.innerHTML = "<p>"; getComputedStyle(document.querySelector("p")).color',
    'red',
  ],
  [
    'storage and cookies',
    'localStorage.setItem("a", 1); document.cookie = "b=2"; [localStorage.getItem("a"), document.cookie]',
    ['1', 'b=2'],
  ],
  ['blobs and files', 'new File(["ab", new Uint8Array([99])], "f.txt").text()', 'abc'],
  [
    'data URLs of files',
    'new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(new Blob(["ab"], { type: "text/plain" })) })',
    'data:text/plain;base64,YWI=',
  ],
  [
    'DOMParser and XMLSerializer',
    'new XMLSerializer().serializeToString(new DOMParser().parseFromString("<a b=\'1\'><c/></a>", "application/xml"))',
    '<a b="1"><c/></a>',
  ],
  [
    'what the web globals have',
    '[new URL("b", "http://a/").href, structuredClone(new Map([[1, 2]])).get(1), atob("aGk="), typeof crypto.randomUUID()]',
    ['http://a/b', 2, 'hi', 'string'],
  ],
  [
    'AbortController',
    'const gone = new AbortController(); let n = 0; document.addEventListener("x", () => n++, { signal: gone.signal }); document.dispatchEvent(new Event("x")); gone.abort(); document.dispatchEvent(new Event("x")); n',
    1,
  ],
  ['it is loaded', 'document.readyState', 'complete'],
  [
    'nothing of Node',
    '[typeof process, typeof require, typeof Buffer, typeof module, typeof global, typeof happyDOM]',
    Array(6).fill('undefined'),
  ],
])('%s', async (_title, code, expected) => {
  expect(await page.run(code)).toEqual(expected)
})

test.each([
  ['fetch', 'fetch("http://a/")'],
  ['XMLHttpRequest', 'new XMLHttpRequest()'],
  ['WebSocket', 'new WebSocket("ws://a/")'],
  ['EventSource', 'new EventSource("http://a/")'],
])('%s says that there is no network', async (name, code) => {
  expect(await rejection(page.run(code))).toMatchObject({
    name: 'TypeError',
    message: `${name} is not available: this browser context has no network`,
  })
})

test.each([
  ['a script', 'Object.assign(document.createElement("script"), { src: "http://a/x.js" })'],
  ['a style sheet', 'Object.assign(document.createElement("link"), { rel: "stylesheet", href: "http://a/x.css" })'],
])('%s is not loaded: an error event', async (_title, element) => {
  expect(
    await page.run(`new Promise((done) => { const e = ${element}; e.onerror = () => done('refused'); document.head.append(e) })`),
  ).toBe('refused')
})

test('it is loaded before any timer has run', async () => {
  await using still = await box.createContext({}, { globals: 'browser', deterministic: { seed: 1 } })
  expect(await still.run('document.readyState')).toBe('complete')
})

test('frames are empty, and going elsewhere does nothing', async () => {
  expect(await page.run('const f = document.createElement("iframe"); f.src = "http://a/"; document.body.append(f); f.contentWindow')).toBe(
    null,
  )
  expect(
    await page.run(
      'location.href = "http://a/"; document.body.innerHTML = "<a href=http://a/>"; document.querySelector("a").click(); location.href',
    ),
  ).toBe('about:blank')
  expect(await page.run('open("http://a/")')).toBe(null)
})

test('what a listener throws is an error event, and then uncaught', async () => {
  const uncaught: string[] = []
  page.on('uncaughtException', ({ message }) => uncaught.push(message))
  const code = `let seen = []; onerror = (e) => seen.push(e.message); document.onclick = () => { throw new Error('boom') }; document.body.click(); seen`
  expect(await page.run(code)).toEqual(['boom'])
  await eventually('the exception', () => uncaught.length > 0)
  expect(uncaught).toEqual(['boom'])
})

test("its globals are not the guest's", async () => {
  await page.set('mine', 1)
  expect(await page.globals()).toEqual({ mine: 1 })
})

test('contexts are apart', async () => {
  await using other = await box.createContext({}, { globals: 'browser' })
  await page.run('document.body.id = "first"; HTMLElement.prototype.mark = 1')
  expect(await other.run('[document.body.id, document.body.mark]')).toEqual(['', undefined])
})

test('for a single run, with values, and in a process of its own', async () => {
  const code = 'document.body.innerHTML = html; document.querySelector("b").textContent'
  expect(await box.run(code, { preset: 'browser', globals: { html: '<b>x</b>' } })).toBe('x')
  expect(await box.run('document.title', { globals: 'browser', fresh: 'process' })).toBe('')
})

test('a preset may be based on it', async () => {
  const preset = await box.definePreset({ source: 'document.title = "mine"', globals: 'browser' })
  expect(await box.run('document.title', { preset })).toBe('mine')
})

describe('a library from npm', () => {
  test('preact renders, and reacts to a click', async () => {
    const source = readFileSync(new URL('../../build/guests/preact.js', import.meta.url), 'utf8')
    await page.run(source)
    await page.run(`
      const { Component, h, render } = preact
      class Counter extends Component {
        state = { n: 0 }
        render() { return h('button', { onClick: () => this.setState({ n: this.state.n + 1 }) }, 'clicked ', this.state.n) }
      }
      render(h(Counter), document.body)`)
    expect(await page.run('document.body.innerHTML')).toBe('<button>clicked 0</button>')
    await page.run('document.querySelector("button").click()')
    await page.idle()
    expect(await page.run('document.body.innerHTML')).toBe('<button>clicked 1</button>')
  })
})

test('the licences of what it is made of are with it', () => {
  const notices = readFileSync(new URL('../../dist/browser/LICENSES.txt', import.meta.url), 'utf8')
  for (const name of ['happy-dom', 'entities', 'whatwg-mimetype']) expect(notices).toMatch(new RegExp(`^${name} \\d`, 'm'))
  expect(notices).not.toMatch(/Mozilla Public/)
})
