import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { connect } from 'glovebox'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Command, glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))
/** What would show on the page as an element, if it were not text. */
const HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'

checkLeaks()
const directory = temporaryDirectory()
const socket = join(directory.path, 'gb', 'd.sock')
let daemon: Command
let address: string
let opened: string
let key: string

beforeAll(async () => {
  daemon = glovebox(['serve', '--socket', socket, '--metrics', '127.0.0.1:0', '--dashboard'], { XDG_CONFIG_HOME: directory.path })
  const [, found = '', path = '', secret = ''] = await daemon.says(/dashboard: http:\/\/(\S+?)(\/#key=(\S+))\n/)
  address = found
  opened = path
  key = secret
})
afterAll(async () => {
  daemon.signal('SIGTERM')
  await daemon.ended
  directory[Symbol.dispose]()
})

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET', body = '', raw = path) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; headers: object; body: string }>()
  const asked = request(`http://${address}`, { path: raw, method, headers, agent: false }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }))
  })
  asked.on('error', reject).end(body)
  return promise
}

const own = (): Record<string, string> => ({ origin: `http://${address}`, 'x-glovebox-key': key })

describe('who may look', () => {
  test('nobody without the key, nor under another name', async () => {
    for (const path of ['/api/status', `/api/status?key=${key}`, '/api/run']) expect((await ask(path)).status).toBe(403)
    for (const wrong of [key.slice(1), `${key}x`, 'guess']) expect((await ask('/api/status', { 'x-glovebox-key': wrong })).status).toBe(403)
    expect((await ask('/api/status', { cookie: `glovebox=${key}` })).status).toBe(403)
    expect((await ask('/', { host: 'evil.example' })).status).toBe(421)
    expect((await ask('/api/status', own())).status).toBe(200)
    const { status, headers } = await ask('/')
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self';/) as string })
    expect((await ask('/healthz')).status).toBe(200)
  })

  test('a snippet runs for the page only', async () => {
    for (const headers of [{ ...own(), origin: 'http://evil.example' }, { 'x-glovebox-key': key }, { origin: `http://${address}` }])
      expect((await ask('/api/run', headers, 'POST', '1')).status).toBe(403)
    // What a browser asks first, for a page from elsewhere: nothing allows it.
    const asked = await ask('/api/run', { origin: 'http://127.0.0.1:1', 'access-control-request-headers': 'x-glovebox-key' }, 'OPTIONS')
    expect([asked.status, Object.keys(asked.headers).filter((name) => name.startsWith('access-control'))]).toEqual([403, []])
    expect((await ask('/api/run', own())).status).toBe(405)
    expect((await ask('/api/run', own(), 'POST', ' '.repeat(65 * 1024))).status).toBe(413)
    const { status, body } = await ask('/api/run', own(), 'POST', '6 * 7')
    expect([status, JSON.parse(body)]).toEqual([200, { exitCode: 0, result: '{"ok":true,"value":42,"text":"42"}\n', console: '' }])
  })

  test('a browser opens no Unix socket', async () => {
    const { code, stderr } = await glovebox(['serve', '--dashboard', '--metrics', '/nonexistent/m.sock'], {}).ended
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^glovebox: '--dashboard' needs '--metrics' with a port, such as 127/)])
  })
})

test('requests that make no sense, or end in the middle, do the daemon no harm', async () => {
  const port = Number(address.split(':')[1])
  const head = `Host: ${address}\r\nOrigin: http://${address}\r\nX-Glovebox-Key: ${key}\r\n`
  for (const bytes of [
    `GET //[ HTTP/1.1\r\n${head}\r\n`,
    `POST /api/run HTTP/1.1\r\n${head}Content-Length: 10\r\n\r\n1`,
    'no HTTP\r\n\r\n',
  ]) {
    const peer = createConnection(port, '127.0.0.1')
    await once(peer, 'connect')
    peer.write(bytes, () => peer.resetAndDestroy())
    await once(peer, 'close')
  }
  expect((await ask('', own(), 'GET', '', '//[')).status).toBe(404)
  expect((await ask('/healthz')).status).toBe(200)
})

describe.skipIf(CHROMIUM === undefined)('the page (skipped without Chromium)', () => {
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] })
    page = await browser.newPage()
  })
  afterAll(async () => browser.close())

  test('shows tenants, workers, charts and deaths; hostile text stays text', async () => {
    const complaints: string[] = []
    page.on('console', (message) => (message.type() === 'error' ? complaints.push(message.text()) : undefined))
    page.on('pageerror', (error) => complaints.push(error.message))
    await using box = await connect({ socket })
    const ctx = await box.createContext()
    for (let run = 0; run < 20; run++) await ctx.run('1')
    const lost = rejection(ctx.run('for (;;);'))
    for (const { pid, state } of (await box.status()).workers) if (state === 'bound') process.kill(pid as number, 'SIGKILL')
    await lost
    await page.goto(`http://${address}/`)
    await page.locator('#app').filter({ hasText: 'it has a key' }).waitFor()
    await page.goto(`http://${address}${opened}`)
    // The key is out of the address at once.
    await page.waitForURL(`http://${address}/`)
    // Of the refusal.
    complaints.length = 0
    await page.locator('#tenants tbody tr').filter({ hasText: 'default' }).waitFor()
    await page.locator('#workers tbody tr').first().waitFor()
    await page.locator('.chart canvas').nth(1).waitFor()
    await page.locator('#deaths summary').filter({ hasText: 'signal' }).click()
    expect(await page.locator('#deaths pre').first().textContent()).toContain('"signal": "SIGKILL"')
    await page.locator('#playground textarea').fill(`console.log(${JSON.stringify(HOSTILE)}); ${JSON.stringify(HOSTILE)}`)
    await page.getByRole('button', { name: 'Run' }).click()
    await page.locator('#output').filter({ hasText: '⇒' }).waitFor()
    expect(await page.locator('#output').textContent()).toBe(`${HOSTILE}\n⇒ '${HOSTILE}'`)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate('window.owned')).toBeUndefined()
    await page.locator('#playground textarea').fill('throw new Error("no")')
    await page.keyboard.press('Control+Enter')
    await page.locator('#output').filter({ hasText: 'Uncaught Error: no' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('shows contexts: how many, where, and by which hostile names', async () => {
    await using box = await connect({ socket })
    // Names that only differ where a page would lose it, and one that would turn the row around.
    const names = [HOSTILE, `${HOSTILE}  x`, `${HOSTILE} x`, '\u202egnp.\u0000\n<b>', '__proto__']
    await using contexts = new AsyncDisposableStack()
    for (const name of names) contexts.use(await box.createContext({}, { name }))
    const plain = contexts.use(await box.createContext())
    await plain.run(`console.log(${JSON.stringify(HOSTILE)})`)
    await page.goto(`http://${address}${opened}`)
    const shown = page.locator('#names bdi')
    await shown.nth(names.length - 1).waitFor()
    expect(await shown.allTextContents()).toEqual(names)
    expect(await page.locator('#names b, #names img, #names script').count()).toBe(0)
    const { workers } = await box.status()
    const [tenants, hosts] = [page.locator('#tenants tbody tr'), page.locator('#workers tbody tr')]
    await tenants.filter({ hasText: 'default' }).locator('td').nth(1).filter({ hasText: /^6$/ }).waitFor()
    for (const { worker, contexts: count } of workers) {
      const cells = hosts
        .filter({
          has: page
            .locator('td')
            .first()
            .filter({ hasText: new RegExp(`^${worker}$`) }),
        })
        .locator('td')
      await cells
        .nth(3)
        .filter({ hasText: new RegExp(`^${count}$`) })
        .waitFor()
    }
    expect(await page.evaluate('window.owned')).toBeUndefined()
  })
})
