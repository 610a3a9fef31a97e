import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()

/** Input, base, and what it becomes; null where parsing fails. After the groups of the web-platform tests' urltestdata.json. */
const PARSED: readonly (readonly [input: string, base: string | undefined, href: string | null])[] = [
  // Relative to a base
  ['foo', 'http://example.org/a/b', 'http://example.org/a/foo'],
  ['/foo', 'http://example.org/a/b', 'http://example.org/foo'],
  ['//other/foo', 'https://example.org/a', 'https://other/foo'],
  ['?q', 'http://example.org/a?b#c', 'http://example.org/a?q'],
  ['#h', 'http://example.org/a?b#c', 'http://example.org/a?b#h'],
  ['', 'http://example.org/a?b#c', 'http://example.org/a?b'],
  ['http:foo', 'http://example.org/a/b', 'http://example.org/a/foo'],
  ['http:foo', 'https://example.org/a/b', 'http://foo/'],
  ['../../../c', 'http://example.org/a/b/d', 'http://example.org/c'],
  ['./.././x', 'http://example.org/a/b/c', 'http://example.org/a/x'],
  ['%2e%2E/x', 'http://example.org/a/b/c', 'http://example.org/a/x'],
  ['.', 'http://example.org/a/b/c', 'http://example.org/a/b/'],
  ['..', 'http://example.org/a/b/c', 'http://example.org/a/'],
  ['...', 'http://example.org/a/b', 'http://example.org/a/...'],
  ['x', 'data:text/plain,hi', null],
  ['#frag', 'data:text/plain,hi', 'data:text/plain,hi#frag'],
  ['x', undefined, null],
  ['x', 'y', null],
  // White space and control characters
  ['  http://example.org/ \n', undefined, 'http://example.org/'],
  ['ht\ntp://exa\tmple.org/a\rb', undefined, 'http://example.org/ab'],
  ['http://example.org/a b', undefined, 'http://example.org/a%20b'],
  ['http://exa mple.org/', undefined, null],
  ['\u0000\u001fhttp://example.org/\u0020', undefined, 'http://example.org/'],
  ['http://example.org/\u007f', undefined, 'http://example.org/%7F'],
  // Backslashes in special schemes
  ['http:\\\\x:y@example.org\\path', undefined, 'http://x:y@example.org/path'],
  ['\\x', 'http://example.org/a', 'http://example.org/x'],
  ['non-special:\\x', undefined, 'non-special:\\x'],
  // User names and passwords
  ['http://user@example.org/', undefined, 'http://user@example.org/'],
  ['http://user:@example.org/', undefined, 'http://user@example.org/'],
  ['http://:pass@example.org/', undefined, 'http://:pass@example.org/'],
  ['http://@example.org/', undefined, 'http://example.org/'],
  ['http://a:b@c:d@example.org/', undefined, 'http://a:b%40c%3Ad@example.org/'],
  ['http://us er:p\u00e4ss@example.org/', undefined, 'http://us%20er:p%C3%A4ss@example.org/'],
  ['http://user:pass@/', undefined, null],
  // Ports
  ['http://example.org:80/', undefined, 'http://example.org/'],
  ['https://example.org:443/', undefined, 'https://example.org/'],
  ['https://example.org:80/', undefined, 'https://example.org:80/'],
  ['ws://example.org:80/', undefined, 'ws://example.org/'],
  ['wss://example.org:443/', undefined, 'wss://example.org/'],
  ['ftp://example.org:21/', undefined, 'ftp://example.org/'],
  ['http://example.org:/', undefined, 'http://example.org/'],
  ['http://example.org:00080/', undefined, 'http://example.org/'],
  ['http://example.org:65535/', undefined, 'http://example.org:65535/'],
  ['http://example.org:65536/', undefined, null],
  ['http://example.org:8a/', undefined, null],
  ['http://:80/', undefined, null],
  // Hosts: IPv4
  ['http://192.168.257/', undefined, 'http://192.168.1.1/'],
  ['http://0x7f.1/', undefined, 'http://127.0.0.1/'],
  ['http://017700000001/', undefined, 'http://127.0.0.1/'],
  ['http://4294967295/', undefined, 'http://255.255.255.255/'],
  ['http://4294967296/', undefined, null],
  ['http://1.2.3.4.5/', undefined, null],
  ['http://256.1.1.1/', undefined, null],
  ['http://1.2.3.08/', undefined, null],
  ['http://1.2.3.4./', undefined, 'http://1.2.3.4/'],
  ['http://foo.0x4/', undefined, null],
  // IPv6
  ['http://[::1]/', undefined, 'http://[::1]/'],
  ['http://[1:2:0:0:5:0:0:0]:8080/', undefined, 'http://[1:2:0:0:5::]:8080/'],
  ['http://[::127.0.0.1]/', undefined, 'http://[::7f00:1]/'],
  ['http://[0:0:0:0:0:FFFF:1.2.3.4]/', undefined, 'http://[::ffff:102:304]/'],
  ['http://[::1', undefined, null],
  ['http://[::1::2]/', undefined, null],
  ['http://[1:2:3:4:5:6:7]/', undefined, null],
  ['http://[::1%eth0]/', undefined, null],
  ['http://user:p@[::1]:81/x', undefined, 'http://user:p@[::1]:81/x'],
  // Names
  ['http://EXAMPLE.org/', undefined, 'http://example.org/'],
  ['http://ex%41mple.org/', undefined, 'http://example.org/'],
  ['http://b\u00fccher.example/', undefined, 'http://xn--bcher-kva.example/'],
  ['http://fa\u00df.example/', undefined, 'http://xn--fa-hia.example/'],
  ['http://\u65e5\u672c\u8a9e.jp/', undefined, 'http://xn--wgv71a119e.jp/'],
  ['http://\uff27\uff4f.example/', undefined, 'http://go.example/'],
  ['http://a\u3002b/', undefined, 'http://a.b/'],
  ['http://a\u00adb/', undefined, 'http://ab/'],
  ['http://\u00ad/', undefined, null],
  ['http://\ud83d\udca9.example/', undefined, 'http://xn--ls8h.example/'],
  // A name in ASCII stays as it is, Punycode or not; one that has to be converted must be right as a whole.
  ['http://xn--a/', undefined, 'http://xn--a/'],
  ['http://xn--a.\u00df/', undefined, null],
  ['http://\u064aa/', undefined, null],
  ['http://\u200d.example/', undefined, null],
  ['http://a_b-c--d/', undefined, 'http://a_b-c--d/'],
  ['http://a..b/', undefined, 'http://a..b/'],
  ['http://a%00b/', undefined, null],
  ['http://a<b/', undefined, null],
  ['http://a^b/', undefined, null],
  ['http://a|b/', undefined, null],
  ['http://a%b/', undefined, null],
  ['http://\ufffd/', undefined, null],
  ['http://', undefined, null],
  ['http:///x', undefined, 'http://x/'],
  // Paths, queries, fragments
  ['http://h/a%2fb%zz', undefined, 'http://h/a%2fb%zz'],
  ['http://h/\u00e9?\u00e9#\u00e9', undefined, 'http://h/%C3%A9?%C3%A9#%C3%A9'],
  ['http://h/"<>`{}^', undefined, 'http://h/%22%3C%3E%60%7B%7D%5E'],
  ['http://h/?"<>`{}\'^', undefined, 'http://h/?%22%3C%3E`{}%27^'],
  ['http://h/#"<>`{}\'^', undefined, "http://h/#%22%3C%3E%60{}'^"],
  ["a:b?'", undefined, "a:b?'"],
  ['http://h/a;b=1,2', undefined, 'http://h/a;b=1,2'],
  ['http://h/\ud800x', undefined, 'http://h/%EF%BF%BDx'],
  ['http://h?a#b#c', undefined, 'http://h/?a#b#c'],
  ['http://h/?#', undefined, 'http://h/?#'],
  // Files
  ['file:///C|/x/../..', undefined, 'file:///C:/'],
  ['file:c:\\foo\\bar', undefined, 'file:///c:/foo/bar'],
  ['/C:/x', 'file:///D:/y', 'file:///C:/x'],
  ['file://localhost/x', undefined, 'file:///x'],
  ['file://host/x', undefined, 'file://host/x'],
  ['file:x', 'file:///a/b', 'file:///a/x'],
  ['file:////x', undefined, 'file:////x'],
  // Schemes that are not special
  ['mailto:a@b.c', undefined, 'mailto:a@b.c'],
  ['javascript:alert(1)', undefined, 'javascript:alert(1)'],
  ['JavaScript:x', undefined, 'javascript:x'],
  ['non-special://HOST:80/../a', undefined, 'non-special://HOST:80/a'],
  ['non-special://%41/', undefined, 'non-special://%41/'],
  ['non-special://a b/', undefined, null],
  ['non-special://[::1]/', undefined, 'non-special://[::1]/'],
  ['non-special:///p', undefined, 'non-special:///p'],
  ['web+demo:/.//not-a-host/', undefined, 'web+demo:/.//not-a-host/'],
  ['web+demo:/path/..//not-a-host/', undefined, 'web+demo:/.//not-a-host/'],
  ['a:/b/../c', undefined, 'a:/c'],
  ['1a:b', undefined, null],
  ['a+.-1:b', undefined, 'a+.-1:b'],
  ['blob:https://example.org/uuid', undefined, 'blob:https://example.org/uuid'],
]

const MEMBERS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'] as const
const parts = (input: string, base: string | undefined): string =>
  `const url = new URL(${JSON.stringify(input)}, ${JSON.stringify(base)}); return ${JSON.stringify(MEMBERS)}.map((member) => url[member])`

test.each(PARSED)('%j on %j is %j', (input, base, href) => {
  const args = `${JSON.stringify(input)}, ${JSON.stringify(base)}`
  expect(guest.value(`return new URL(${args}).href`)).toEqual(href ?? throws('TypeError'))
  expect(guest.value(`return [URL.parse(${args})?.href ?? null, URL.canParse(${args})]`)).toEqual([href, href !== null])
})

test.each(PARSED.filter(([, , href]) => href !== null))('the parts of %j on %j are those that Node finds', async (input, base) => {
  expect(guest.value(parts(input, base))).toEqual(await valueInNode(parts(input, base)))
})

test.each<[href: string, expected: Partial<Record<(typeof MEMBERS)[number], string>>]>([
  [
    'https://user:pa%3Ass@example.org:8080/p/a/t/h;x?query=1?2#fragment?#',
    {
      origin: 'https://example.org:8080',
      protocol: 'https:',
      username: 'user',
      password: 'pa%3Ass',
      host: 'example.org:8080',
      hostname: 'example.org',
      port: '8080',
      pathname: '/p/a/t/h;x',
      search: '?query=1?2',
      hash: '#fragment?#',
    },
  ],
  ['http://h/?#', { search: '', hash: '', href: 'http://h/?#', pathname: '/' }],
  ['http://h#?', { search: '', hash: '#?', href: 'http://h/#?' }],
  ['http://:p@h', { username: '', password: 'p', host: 'h' }],
  ['http://[::1]/', { host: '[::1]', hostname: '[::1]', port: '' }],
  ['http://u@[::1]:81/', { host: '[::1]:81', hostname: '[::1]', port: '81', username: 'u', password: '' }],
  ['file:///x', { origin: 'null', host: '', hostname: '', pathname: '/x' }],
  ['mailto:a@b:c?d@e', { origin: 'null', username: '', host: '', port: '', pathname: 'a@b:c', search: '?d@e' }],
  ['web+demo:/.//x/y', { host: '', pathname: '//x/y' }],
  ['non-special://h', { host: 'h', pathname: '', origin: 'null' }],
  ['non-special:///', { host: '', pathname: '/' }],
  ['ftp://h/', { origin: 'ftp://h' }],
  ['wss://h:1/', { origin: 'wss://h:1' }],
  ['blob:https://a:b@h:1/uuid#x', { origin: 'https://h:1', pathname: 'https://a:b@h:1/uuid' }],
  ['blob:ftp://h/', { origin: 'null' }],
  ['blob:x', { origin: 'null' }],
  ['blob:blob:https://h/', { origin: 'null' }],
])('%j has the parts that the standard says', (href, expected) => {
  expect(
    guest.value(
      `const url = new URL(${JSON.stringify(href)}); return [${Object.keys(expected)
        .map((member) => `url.${member}`)
        .join()}]`,
    ),
  ).toEqual(Object.values(expected))
})

/** Member, value, URL before, URL after. After the groups of the web-platform tests' setters_tests.json. */
test.each<[member: string, value: string, before: string, after: string]>([
  ['protocol', 'https', 'http://h/', 'https://h/'],
  ['protocol', 'HTTPS:x', 'http://h/', 'https://h/'],
  ['protocol', '', 'http://h/', 'http://h/'],
  ['protocol', '0b', 'http://h/', 'http://h/'],
  ['protocol', 'mailto', 'http://h/', 'http://h/'],
  ['protocol', 'http', 'mailto:x', 'mailto:x'],
  ['protocol', 'file', 'http://u@h/', 'http://u@h/'],
  ['protocol', 'https', 'http://h:443/', 'https://h/'],
  ['protocol', 'http', 'file:///x', 'file:///x'],
  ['protocol', 'b', 'a://h/', 'b://h/'],
  ['username', 'me', 'http://h/', 'http://me@h/'],
  ['username', 'm\u00e9:@/', 'http://h/', 'http://m%C3%A9%3A%40%2F@h/'],
  ['username', '', 'http://me:pw@h/', 'http://:pw@h/'],
  ['username', 'me', 'file:///x', 'file:///x'],
  ['username', 'me', 'mailto:x', 'mailto:x'],
  ['password', 'pw', 'http://h/', 'http://:pw@h/'],
  ['password', '', 'http://me:pw@h/', 'http://me@h/'],
  ['host', 'x:9', 'http://h:8/p', 'http://x:9/p'],
  ['host', 'x', 'http://h:8/p', 'http://x:8/p'],
  ['host', 'x:80', 'http://h:8/p', 'http://x/p'],
  ['host', '', 'http://h/', 'http://h/'],
  ['host', 'x y', 'http://h/', 'http://h/'],
  ['host', 'b\u00fccher', 'http://h/', 'http://xn--bcher-kva/'],
  ['host', 'x/y', 'http://h/p', 'http://x/p'],
  ['host', 'x', 'mailto:a', 'mailto:a'],
  ['host', '', 'a://h/p', 'a:///p'],
  ['hostname', 'x:9', 'http://h:8/', 'http://h:8/'],
  ['hostname', 'x', 'http://h:8/', 'http://x:8/'],
  ['hostname', '0x7f000001', 'http://h:8/', 'http://127.0.0.1:8/'],
  ['hostname', '[::1]', 'http://h:8/', 'http://[::1]:8/'],
  ['port', '90', 'http://h/', 'http://h:90/'],
  ['port', '', 'http://h:9/', 'http://h/'],
  ['port', '80', 'http://h:9/', 'http://h/'],
  ['port', '9x', 'http://h/', 'http://h:9/'],
  ['port', 'x9', 'http://h:8/', 'http://h:8/'],
  ['port', '65536', 'http://h:8/', 'http://h:8/'],
  ['port', '9', 'file:///x', 'file:///x'],
  ['pathname', 'x/../y z', 'http://h/a', 'http://h/y%20z'],
  ['pathname', '', 'http://h/a', 'http://h/'],
  ['pathname', '?#', 'http://h/a', 'http://h/%3F%23'],
  ['pathname', '//x', 'a:/y', 'a:/.//x'],
  ['pathname', '/x', 'a:/.//y', 'a:/x'],
  ['pathname', 'x', 'mailto:a', 'mailto:a'],
  ['search', 'a=b', 'http://h/?c#d', 'http://h/?a=b#d'],
  ['search', '?a', 'http://h/', 'http://h/?a'],
  ['search', '??a', 'http://h/', 'http://h/??a'],
  ['search', '', 'http://h/?c#d', 'http://h/#d'],
  ['search', '?', 'http://h/?c', 'http://h/?'],
  ['search', "a'#\u00e9", 'http://h/', 'http://h/?a%27%23%C3%A9'],
  ['hash', 'x', 'http://h/', 'http://h/#x'],
  ['hash', '#x y', 'http://h/#a', 'http://h/#x%20y'],
  ['hash', '', 'http://h/#a', 'http://h/'],
  ['hash', '#', 'http://h/', 'http://h/#'],
  ['hash', 'x', 'mailto:a', 'mailto:a#x'],
  ['href', 'https://x/y', 'http://h/', 'https://x/y'],
])('%s = %j turns %j into %j', async (member, value, before, after) => {
  const body = `const url = new URL(${JSON.stringify(before)}); url.${member} = ${JSON.stringify(value)}; return ${JSON.stringify(MEMBERS)}.map((name) => url[name])`
  const result = guest.value(body) as string[]
  expect(result[0]).toBe(after)
  expect(result).toEqual(await valueInNode(body))
})

test.each<[what: string, body: string, expected: unknown]>([
  [
    'an invalid href',
    `const u = new URL('http://h/'); try { u.href = 'x' } catch (e) { return [e.name, u.href] }`,
    ['TypeError', 'http://h/'],
  ],
  ['origin', `'use strict'; new URL('http://h/').origin = 'x'`, throws('TypeError')],
  ['no argument', `new URL()`, throws('TypeError')],
  ['a call without new', `URL('http://h/')`, throws('TypeError')],
  ['a symbol', `new URL(Symbol())`, throws('TypeError')],
  ['an object', `return new URL({ toString: () => 'http://h/' }).href`, 'http://h/'],
  ['another URL as base', `return new URL('x', new URL('http://h/a/b')).href`, 'http://h/a/x'],
  ['null as base', `new URL('x', null)`, throws('TypeError')],
  ['undefined as input', `return new URL(undefined, 'http://h/').href`, 'http://h/undefined'],
  ['toString and toJSON', `const u = new URL('http://h/'); return [u + '', JSON.stringify(u)]`, ['http://h/', '"http://h/"']],
  ['a getter on something else', `Object.getOwnPropertyDescriptor(URL.prototype, 'host').get.call({})`, throws('TypeError')],
  ['a setter on something else', `Object.getOwnPropertyDescriptor(URL.prototype, 'host').set.call({}, 'x')`, throws('TypeError')],
  ['a subclass', `class Mine extends URL {}; const u = new Mine('http://h/'); return [u instanceof URL, u.host]`, [true, 'h']],
  ['the parameters are one object', `const u = new URL('http://h/?a=1'); return u.searchParams === u.searchParams`, true],
  [
    'the parameters follow the query',
    `const u = new URL('http://h/?a=1'), p = u.searchParams; u.search = '?b=2'; return [...p]`,
    [['b', '2']],
  ],
  [
    'the parameters follow the href',
    `const u = new URL('http://h/?a=1'), p = u.searchParams; u.href = 'http://h/?c=3'; return [...p]`,
    [['c', '3']],
  ],
  [
    'the query follows the parameters',
    `const u = new URL('http://h/?a=1#x'); u.searchParams.append('b c', '\u00e9'); return u.href`,
    'http://h/?a=1&b+c=%C3%A9#x',
  ],
  ['no parameters, no query', `const u = new URL('http://h/?a=1#x'); u.searchParams.delete('a'); return u.href`, 'http://h/#x'],
  ['parameters that nobody changed', `const u = new URL('http://h/?a=~b'); u.searchParams; return u.href`, 'http://h/?a=~b'],
  ['sorting the parameters', `const u = new URL('http://h/?b=1&a=2'); u.searchParams.sort(); return u.href`, 'http://h/?a=2&b=1'],
  ['a query of an opaque path', `const u = new URL('data:space ?a'); u.searchParams.delete('a'); return u.href`, 'data:space%20'],
])('%s', async (_, body, expected) => {
  expect(guest.value(body)).toEqual(expected)
  expect(await valueInNode(body)).toEqual(expected)
})
