import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()
const INVALID = throws('InvalidCharacterError')

/** After the web-platform tests' fetch/data-urls/resources/base64.json and html/webappapis/atob/base64.any.js. */
test.each<[input: string, expected: readonly number[] | null]>([
  ['', []],
  ['abcd', [105, 183, 29]],
  [' abcd', [105, 183, 29]],
  ['abcd ', [105, 183, 29]],
  [' abcd===', null],
  ['abcd=== ', null],
  ['abcd ===', null],
  ['a', null],
  ['ab', [105]],
  ['abc', [105, 183]],
  ['abcde', null],
  ['\u{10000}', null],
  ['=', null],
  ['==', null],
  ['===', null],
  ['====', null],
  ['a=', null],
  ['a==', null],
  ['a===', null],
  ['ab=', null],
  ['ab==', [105]],
  ['ab===', null],
  ['ab====', null],
  ['abc=', [105, 183]],
  ['abc==', null],
  ['abcd=', null],
  ['abcd==', null],
  ['abcde=', null],
  ['abcdef==', [105, 183, 29, 121]],
  ['=a', null],
  ['=aa', null],
  ['a=b', null],
  ['ab=c', null],
  ['ab=c=', null],
  ['abc=d', null],
  ['ab\tcd', [105, 183, 29]],
  ['ab\ncd', [105, 183, 29]],
  ['ab\fcd', [105, 183, 29]],
  ['ab\rcd', [105, 183, 29]],
  ['ab cd', [105, 183, 29]],
  ['ab\u00a0cd', null],
  ['ab\vcd', null],
  ['ab\t\n\f\r =\t\n\f\r =\t\n\f\r ', [105]],
  [' \t\n\f\r ab\t\n\f\r cd\t\n\f\r ', [105, 183, 29]],
  ['A', null],
  ['/A', [252]],
  ['//A', [255, 240]],
  ['///A', [255, 255, 192]],
  ['AA/', [0, 15]],
  ['AAAA', [0, 0, 0]],
  ['ab-_', null],
  ['\u0000nonsense', null],
])('atob(%j)', async (input, expected) => {
  const body = `return Array.from(atob(${JSON.stringify(input)}), (c) => c.charCodeAt(0))`
  expect(guest.value(body)).toEqual(expected ?? INVALID)
  expect(await valueInNode(body)).toEqual(expected ?? INVALID)
})

test.each<[body: string, expected: unknown]>([
  [`return btoa('')`, ''],
  [`return btoa('a')`, 'YQ=='],
  [`return btoa('\u00ff\u00e9\u0000')`, '/+kA'],
  [`return btoa('\u0100')`, INVALID],
  [`return btoa('\u05e2')`, INVALID],
  [
    `return [btoa(undefined), btoa(null), btoa(12), btoa(7.5), btoa(true), btoa(-Infinity)]`,
    ['dW5kZWZpbmVk', 'bnVsbA==', 'MTI=', 'Ny41', 'dHJ1ZQ==', 'LUluZmluaXR5'],
  ],
  [`return [atob(undefined), atob(null), atob(12)].map((text) => text.length)`, INVALID],
  [`return Array.from(atob(null), (c) => c.charCodeAt(0))`, [158, 233, 101]],
  [`return atob({ toString: () => 'YQ==' })`, 'a'],
  [`btoa()`, throws('TypeError')],
  [`atob()`, throws('TypeError')],
  [`atob(Symbol())`, throws('TypeError')],
  [`return [atob.length, btoa.length, atob.name]`, [1, 1, 'atob']],
  [`let all = ''; for (let i = 0; i < 10000; i++) all += String.fromCharCode(i % 256); return atob(btoa(all)) === all`, true],
])('%s', async (body, expected) => {
  expect(guest.value(body)).toEqual(expected)
  expect(await valueInNode(body)).toEqual(expected)
})
