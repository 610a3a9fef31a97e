import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()

/** After the web-platform tests' webidl/ecmascript-binding/es-exceptions. `node: false` where Node 26 does something else than the standard. */
const CASES: readonly { readonly what: string; readonly body: string; readonly expected: unknown; readonly node?: false }[] = [
  { what: 'defaults', body: `const e = new DOMException(); return [e.message, e.name, e.code]`, expected: ['', 'Error', 0] },
  {
    what: 'message and name',
    body: `const e = new DOMException('m', 'AbortError'); return [e.message, e.name, e.code, String(e)]`,
    expected: ['m', 'AbortError', 20, 'AbortError: m'],
  },
  { what: 'a name without code', body: `return new DOMException('', 'NotAllowedError').code`, expected: 0 },
  {
    what: 'what is no text',
    body: `const e = new DOMException(null, { toString: () => 'x' }); return [e.message, e.name]`,
    expected: ['null', 'x'],
    node: false,
  },
  { what: 'a symbol', body: `new DOMException(Symbol())`, expected: throws('TypeError') },
  {
    what: 'all codes',
    body: `return 'IndexSize HierarchyRequest WrongDocument InvalidCharacter NoModificationAllowed NotFound NotSupported InUseAttribute InvalidState Syntax InvalidModification Namespace InvalidAccess TypeMismatch Security Network Abort URLMismatch QuotaExceeded Timeout InvalidNodeType DataClone'
      .split(' ').map((name) => new DOMException('', name + 'Error').code)`,
    expected: [1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25],
  },
  {
    what: 'constants',
    body: `const d = Object.getOwnPropertyDescriptor(DOMException, 'DATA_CLONE_ERR'); return [d, DOMException.prototype.INDEX_SIZE_ERR, Object.keys(DOMException).length]`,
    expected: [{ value: 25, writable: false, enumerable: true, configurable: false }, 1, 25],
  },
  {
    what: 'prototypes',
    body: `return [Object.getPrototypeOf(DOMException) === Function.prototype, Object.getPrototypeOf(DOMException.prototype) === Error.prototype, new DOMException() instanceof Error]`,
    expected: [true, true, true],
  },
  {
    what: 'a native error with a stack',
    body: `const e = new DOMException('m', 'AbortError'); return [Error.isError(e), e.stack.split('\\n')[0], Object.getOwnPropertyNames(e)]`,
    expected: [true, 'AbortError: m', ['stack']],
  },
  {
    what: 'tag',
    body: `return [Object.prototype.toString.call(new DOMException()), DOMException.length]`,
    expected: ['[object DOMException]', 0],
  },
  {
    what: 'members are on the prototype and enumerable',
    body: `return Object.keys(DOMException.prototype).filter((key) => key === key.toLowerCase()).sort()`,
    expected: ['code', 'message', 'name'],
  },
  {
    what: 'a subclass',
    body: `class Mine extends DOMException { constructor() { super('m', 'DataCloneError'); this.own = 1 } } const e = new Mine(); return [e instanceof Mine, e instanceof DOMException, e.name, e.code, e.own]`,
    expected: [true, true, 'DataCloneError', 25, 1],
  },
  {
    what: 'a getter on something else',
    body: `Object.getOwnPropertyDescriptor(DOMException.prototype, 'name').get.call(new Error())`,
    expected: throws('TypeError'),
  },
  { what: 'the prototype itself', body: `DOMException.prototype.message`, expected: throws('TypeError') },
  { what: 'a call without new', body: `DOMException()`, expected: throws('TypeError') },
  {
    what: 'QuotaExceededError',
    body: `const e = new QuotaExceededError('m', { quota: 1, requested: 2 }), f = new QuotaExceededError(); return [e.name, e.message, e.code, e.quota, e.requested, f.quota, f.requested, e instanceof DOMException]`,
    expected: ['QuotaExceededError', 'm', 22, 1, 2, null, null, true],
  },
  { what: 'a quota that is negative', body: `new QuotaExceededError('', { quota: -1 })`, expected: throws('RangeError') },
  { what: 'less requested than the quota', body: `new QuotaExceededError('', { quota: 2, requested: 1 })`, expected: throws('RangeError') },
  { what: 'a quota without end', body: `new QuotaExceededError('', { quota: Infinity })`, expected: throws('TypeError') },
]

test.each(CASES)('$what', ({ body, expected }) => {
  expect(guest.value(body)).toEqual(expected)
})

test.each(CASES.filter(({ node }) => node !== false))('$what in Node', async ({ body, expected }) => {
  expect(await valueInNode(body)).toEqual(expected)
})
