import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { valueInNode, WebGuest } from '../support/web-guest.ts'

const guest = new WebGuest()

/** Both realms do the same with the same input. */
async function agree(body: string): Promise<void> {
  expect(guest.value(body)).toEqual(await valueInNode(body))
}

const piece = fc.constantFrom(
  ...'http https file mailto blob non-special : // / \\ ? # @ .. . %2e host example.com [::1] 1.2.3.4 0x1 :80 :443 :8080 % %zz %41 | ^ C| C: user pass xn--'.split(
    ' ',
  ),
  ...'\u00e9 \u65e5\u672c \u00df \u00ad \ud800 " \' < ` { ~ 0 & = + a b'.split(' '),
  ' ',
  '\t',
  '\n',
)
const text = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 30 }),
)
const members = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash']
const settable = members.filter((member) => member !== 'origin')

test('the parts of a URL, and what its setters make of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.option(text, { nil: undefined }),
      fc.array(fc.tuple(fc.constantFrom(...settable), text), { maxLength: 3 }),
      (url, base, changes) =>
        agree(`const url = new URL(${JSON.stringify(url)}, ${JSON.stringify(base)}), states = [], params = url.searchParams
        const note = () => states.push(${JSON.stringify(members)}.map((member) => url[member]), [...params])
        note()
        for (const [member, value] of ${JSON.stringify(changes)}) { try { url[member] = value } catch (error) { states.push(error.name) } note() }
        return states`),
    ),
    { numRuns: 3000 },
  )
})

test('what is in a query', async () => {
  // Node spoils characters beyond ASCII when there is also a percent sign that begins nothing.
  const query = fc.oneof(
    text.map((any) => any.replaceAll('%', '')),
    text.map((any) => any.replaceAll(/[^\0-\x7f]/g, '')),
  )
  await fc.assert(
    fc.asyncProperty(query, (init) =>
      agree(`const params = new URLSearchParams(${JSON.stringify(init)}); return [[...params], params.toString()]`),
    ),
    { numRuns: 2000 },
  )
})

test('bytes are decoded however they are cut', async () => {
  // Bytes near the ends of the ranges that matter.
  const byte = fc.oneof(
    fc.nat(255),
    fc.constantFrom(
      0x00,
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc2,
      0xd8,
      0xdc,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xbb,
      0xf0,
      0xf4,
      0xfe,
      0xff,
    ),
  )
  const pieces = fc.array(fc.array(byte, { maxLength: 8 }), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('utf-8', 'utf-16le', 'utf-16be'), pieces, fc.boolean(), fc.boolean(), (label, cut, fatal, ignoreBOM) =>
      agree(`const decoder = new TextDecoder('${label}', { fatal: ${fatal}, ignoreBOM: ${ignoreBOM} })
        return ${JSON.stringify(cut)}.map((piece) => decoder.decode(new Uint8Array(piece), { stream: true })).join('') + decoder.decode()`),
    ),
    { numRuns: 3000 },
  )
})

test('text is encoded', async () => {
  const any = fc.string({ unit: 'binary', maxLength: 40 })
  const units = fc.array(fc.nat(0xffff), { maxLength: 20 }).map((list) => String.fromCharCode(...list))
  await fc.assert(
    fc.asyncProperty(fc.oneof(any, units), fc.nat(60), (string, room) =>
      agree(`const text = ${JSON.stringify(string)}, target = new Uint8Array(${room}), encoder = new TextEncoder()
        return [encoder.encode(text), encoder.encodeInto(text, target), target]`),
    ),
    { numRuns: 2000 },
  )
})

test('base64 is decoded forgivingly', async () => {
  const letters = fc
    .array(fc.constantFrom('a', 'Z', '0', '+', '/', '=', ' ', '\n', '-', '\u00e9', 'Q'), { maxLength: 12 })
    .map((list) => list.join(''))
  await fc.assert(
    fc.asyncProperty(letters, (string) => agree(`return Array.from(atob(${JSON.stringify(string)}), (unit) => unit.charCodeAt(0))`)),
    { numRuns: 2000 },
  )
})
