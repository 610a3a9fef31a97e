import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { FOREIGN } from './support/reachable.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let page: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  page = await box.createContext({ tell: (text: string) => text.length }, { globals: 'browser' })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** Ways by which guests have left happy-dom's contexts elsewhere: each gives a function constructor, or something that has one. */
const WAYS = [
  'document.constructor.constructor',
  'window.constructor.constructor',
  'document.createElement("a").constructor.constructor',
  'document.querySelectorAll("*").constructor.constructor',
  'navigator.constructor.constructor',
  'location.assign.constructor',
  'history.pushState.constructor',
  'customElements.define.constructor',
  'document.addEventListener.constructor',
  'window.addEventListener.constructor',
  'window.dispatchEvent.constructor',
  'window.fetch.constructor',
  'window.eval("Function")',
  'window.open.constructor',
  'new Event("x").composedPath.constructor',
  'new DOMException("x").constructor.constructor',
  'new Blob(["x"]).arrayBuffer.constructor',
  'new FormData().append.constructor',
  'new Headers().append.constructor',
  'new DOMParser().parseFromString("<script>globalThis.x = 1</script>", "text/html").constructor.constructor',
  'document.implementation.createHTMLDocument().defaultView?.constructor.constructor ?? Function',
  'document.styleSheets.constructor.constructor',
  'getComputedStyle(document.body).constructor.constructor',
  'matchMedia("(min-width: 1px)").constructor.constructor',
  'document.createRange().constructor.constructor',
  'document.createTreeWalker(document).constructor.constructor',
  'localStorage.constructor.constructor',
  'document.createElement("iframe").constructor.constructor',
  'document.createElement("script").constructor.constructor',
  'document.createElement("style").sheet?.constructor.constructor ?? Function',
  'new MutationObserver(() => {}).constructor.constructor',
  '(() => { try { document.createElement("") ; throw new DOMException() } catch (e) { return e.constructor.constructor } })()',
  '(() => { try { document.querySelector("::::") } catch (e) { return e.constructor.constructor } })()',
  '(() => { try { document.body.append(document) } catch (e) { return e.constructor.constructor } })()',
  '(() => { try { new WebSocket("x") } catch (e) { return e.constructor.constructor } })()',
  '(() => { const f = (n) => { try { return f(n + 1) } catch (e) { try { document.body.innerHTML = "<p>".repeat(50) } catch (inner) { return inner.constructor.constructor } return e.constructor.constructor } }; return f(0) })()',
  'new Promise((done) => fetch("http://a/").catch((e) => done(e.constructor.constructor)))',
  'new Promise((done) => { addEventListener("error", (e) => { e.preventDefault(); done(e.error.constructor.constructor) }); const s = document.createElement("script"); s.textContent = "let let"; document.body.append(s) })',
  'new Promise((done) => { const s = document.createElement("script"); s.type = "module"; s.textContent = "import \'fs\'"; s.onerror = () => done(Function); document.body.append(s); setTimeout(() => done(Function), 20) })',
  'new Promise((done) => { const i = document.createElement("iframe"); i.srcdoc = "<script>parent.found = Function</script>"; document.body.append(i); setTimeout(() => done(globalThis.found ?? Function), 20) })',
]

test.each(WAYS)("%s leads to the guest's own realm", async (way) => {
  const found = await page.run(`(async () => {
    const F = await (${way})
    const made = F('return [this === globalThis, typeof process, typeof require, typeof module, Array === Object.getPrototypeOf([]).constructor]')
    // Of an async function it is AsyncFunction.
    const [isGlobal, ...rest] = await made()
    return [F === Function || F === (async () => {}).constructor, isGlobal, ...rest, (await new F('return globalThis')()) === globalThis]
  })()`)
  expect(found).toEqual([true, true, 'undefined', 'undefined', 'undefined', true, true])
})

test("everything that can be reached from its globals is of the guest's realm", async () => {
  const foreign = await page.run(FOREIGN)
  expect(foreign).toEqual([true, []])
})

test('nor does a deterministic context lead anywhere else', async () => {
  const deterministic = { seed: 1, time: 5, timeZone: 'Asia/Tokyo', locale: 'de-DE' }
  expect(await box.run(FOREIGN.replace('2_000', '500'), { deterministic })).toEqual([true, []])
  const code = `[Date, Intl.NumberFormat, Math.random, Temporal.Now.instant, new Intl.DateTimeFormat().format, Date.now].map((each) => each.constructor('return typeof process + typeof require + (this === globalThis)')())`
  expect(await box.run(code, { deterministic })).toEqual(Array(6).fill('undefinedundefinedtrue'))
})
