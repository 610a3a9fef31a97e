import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/base/options.ts'
import { inlineSourceMapAt, readInlineSourceMap } from '../../src/client/inline-source-map.ts'
import { mapErrors } from '../../src/client/mapped-errors.ts'
import { MappedScript } from '../../src/client/mapped-script.ts'
import { OriginalPlaces } from '../../src/client/source-map.ts'
import { SourceMaps } from '../../src/client/source-maps.ts'
import { readFrame, writeFrame } from '../../src/client/stack-frame.ts'

/** Generated 1:1 is a.ts 1:1, named n; 1:7 is a.ts 1:7; 2:1 is a.ts 2:1. */
const MAP = { version: 3, sources: ['a.ts'], names: ['n'], mappings: 'AAAAA,MAAM;AACN' }
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const json = JSON.stringify(MAP)

const found = (map: unknown, line: number, column: number): string | undefined => {
  const place = OriginalPlaces.of(map).find(line, column)
  return place && `${place.source}:${place.line}:${place.column}${place.name === undefined ? '' : ` ${place.name}`}`
}

test.each<[title: string, map: unknown, line: number, column: number, place: string | undefined]>([
  ['where a segment begins', MAP, 1, 1, 'a.ts:1:1 n'],
  ['inside of a segment, which has a name where it begins only', MAP, 1, 3, 'a.ts:1:1'],
  ['the next segment', MAP, 1, 7, 'a.ts:1:7'],
  ['the last segment, which has no name', MAP, 2, 1, 'a.ts:2:1'],
  ['a line without segments', MAP, 3, 1, undefined],
  ['JSON', json, 1, 7, 'a.ts:1:7'],
  ['nothing in it', { version: 3, sources: [], mappings: '' }, 1, 1, undefined],
  ['before the first segment', { ...MAP, mappings: 'IAAA' }, 1, 4, undefined],
  ['a segment that leads nowhere, after one that does', { ...MAP, mappings: 'AAAA,I' }, 1, 6, undefined],
  ['a source without a name', { ...MAP, sources: [null] }, 1, 1, undefined],
  ['a source whose name is too long to be shown a thousand times', { ...MAP, sources: ['x'.repeat(1025)] }, 1, 1, undefined],
  ['a source that is not there', { ...MAP, mappings: 'ACAA' }, 1, 1, undefined],
  ['a line before the first', { ...MAP, mappings: 'AADA' }, 1, 1, undefined],
  ['a name that is not there', { ...MAP, mappings: 'AAAAC' }, 1, 1, 'a.ts:1:1'],
  ['sources of one name', { ...MAP, sources: ['a.ts', 'a.ts'], mappings: 'ACAA' }, 1, 1, 'a.ts:1:1'],
  ['a source named __proto__', { ...MAP, sources: ['__proto__'] }, 1, 1, '__proto__:1:1 n'],
  ['a root', { ...MAP, sourceRoot: 'src' }, 1, 7, 'src/a.ts:1:7'],
  ['a root with a slash', { ...MAP, sourceRoot: 'https://example.org/src/' }, 1, 7, 'https://example.org/src/a.ts:1:7'],
  ['a root that is null', { ...MAP, sourceRoot: null }, 1, 7, 'a.ts:1:7'],
  ['a root, and a source with a URL of its own', { ...MAP, sourceRoot: 'src', sources: ['webpack:///a.ts'] }, 1, 7, 'webpack:///a.ts:1:7'],
  ['sections: the first', sections([0, 0], [10, 4]), 1, 7, 'a.ts:1:7'],
  ['sections: where the second begins', sections([0, 0], [10, 4]), 11, 5, 'a.ts:1:1 n'],
  ['sections: the second', sections([0, 0], [10, 4]), 11, 11, 'a.ts:1:7'],
  ['sections: its second line', sections([0, 0], [10, 4]), 12, 1, 'a.ts:2:1'],
  ['commas without segments', { ...MAP, mappings: ',,AAAAA,,MAAM,,;,AACN,,' }, 1, 7, 'a.ts:1:7'],
  ['the line after commas without segments', { ...MAP, mappings: ',,AAAAA,,MAAM,,;,AACN,,' }, 2, 1, 'a.ts:2:1'],
  ['no sections', { version: 3, sections: [] }, 1, 1, undefined],
])('what a map says of %s', (_title, map, line, column, place) => {
  expect(found(map, line, column)).toBe(place)
})

function sections(...offsets: readonly (readonly [line: number, column: number])[]): object {
  return { version: 3, sections: offsets.map(([line, column]) => ({ offset: { line, column }, map: MAP })) }
}

test.each<[title: string, map: unknown, rule: string]>([
  ['a number', 1, 'must be a source map: an object, or its JSON, got 1'],
  ['null', null, 'must be a source map: an object, or its JSON, got null'],
  ['a list', [], 'must be a source map: an object, or its JSON, got an array'],
  ['text that is no JSON', '{', 'must be the JSON of a source map, got "{"'],
  ['JSON of something else', '7', 'must be a source map: an object, or its JSON, got "7"'],
  ['version 2', { ...MAP, version: 2 }, "must be a source map with 'version' 3, got 2"],
  ['no version', { ...MAP, version: undefined }, "must be a source map with 'version' 3, got undefined"],
  ['no mappings', { ...MAP, mappings: undefined }, "must be a source map, whose 'mappings' must be a string, got undefined"],
  ['no sources', { ...MAP, sources: undefined }, "must be a source map, whose 'sources' must be a list, got undefined"],
  ['a source that is a number', { ...MAP, sources: ['a', 1] }, "must be a source map, whose 'sources[1]' must be a string or null, got 1"],
  ['names that are none', { ...MAP, names: [{}] }, "must be a source map, whose 'names[0]' must be a string, got an object"],
  [
    'contents that are none',
    { ...MAP, sourcesContent: [1] },
    "must be a source map, whose 'sourcesContent[0]' must be a string or null, got 1",
  ],
  ['a root that is none', { ...MAP, sourceRoot: 1 }, "must be a source map, whose 'sourceRoot' must be a string or null, got 1"],
  ...['!', 'AA', 'AAA', 'AAAAAA', 'A AAA', 'AAAg', 'g', 'AAAA,AAg;AAAA', 'AAAA,AA'].map((mappings): [string, unknown, string] => [
    `the mappings ${mappings}`,
    { ...MAP, mappings },
    `must be a source map, whose 'mappings' must be segments of 1, 4 or 5 Base64 VLQ numbers, got ${JSON.stringify(mappings)}`,
  ]),
  ['sections that are none', { version: 3, sections: {} }, "must be a source map, whose 'sections' must be a list, got an object"],
  [
    'a section without a map',
    { version: 3, sections: [{ offset: { line: 0, column: 0 } }] },
    "must be a source map, whose 'sections[0].map' must be an object, got undefined",
  ],
  [
    'a broken map in a section',
    { version: 3, sections: [{ offset: { line: 0, column: 0 }, map: { ...MAP, sources: 1 } }] },
    "must be a source map, whose 'sections[0].map.sources' must be a list, got 1",
  ],
  [
    'an offset that is none',
    sections([0, -1]),
    "must be a source map, whose 'sections[0].offset.column' must be a whole number from 0, got -1",
  ],
  [
    'sections out of order',
    sections([3, 0], [2, 9]),
    "must be a source map, whose 'sections[1].offset' must be beyond the one before, got an object",
  ],
])('refused: %s', (_title, map, rule) => {
  const error = attempt(() => OriginalPlaces.of(map))
  expect(error).toBeInstanceOf(InvalidOptionError)
  expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'sourceMap', message: `option 'sourceMap' ${rule}` })
})

function attempt(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

test('an object is read once', () => {
  const map = { ...MAP, sources: ['before.ts'] }
  expect(OriginalPlaces.of(map)).toBe(OriginalPlaces.of(map))
  map.sources[0] = 'after.ts'
  expect(found(map, 1, 7)).toBe('before.ts:1:7')
})

test.each<[title: string, source: string, place: string | undefined]>([
  ['Base64', `code\n//# sourceMappingURL=data:application/json;base64,${base64(json)}`, 'a.ts:1:7'],
  ['with a charset', `code\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${base64(json)}\n`, 'a.ts:1:7'],
  [
    'with a charset of upper case',
    `code\r\n//# sourceMappingURL=data:application/json;charset=UTF-8;base64,${base64(json)}\r\n`,
    'a.ts:1:7',
  ],
  ['text beyond ASCII', `//# sourceMappingURL=data:application/json;base64,${base64(json.replace('a.ts', 'ü文.ts'))}`, 'ü文.ts:1:7'],
  [
    'another charset',
    `//# sourceMappingURL=data:application/json;charset=iso-8859-1;base64,${Buffer.from(json.replace('a.ts', 'ü.ts'), 'latin1').toString('base64')}`,
    'ü.ts:1:7',
  ],
  ['percent signs', `code\n//# sourceMappingURL=data:application/json,${encodeURIComponent(json)}`, 'a.ts:1:7'],
  ['the old sign', `code\n//@ sourceMappingURL=data:application/json;base64,${base64(json)}   \n\n`, 'a.ts:1:7'],
  ['behind code in the same line', `code //# sourceMappingURL=data:application/json;base64,${base64(json)}`, 'a.ts:1:7'],
  ['not last', `//# sourceMappingURL=data:application/json;base64,${base64(json)}\ncode`, undefined],
  ['of a file', 'code\n//# sourceMappingURL=a.js.map', undefined],
  ['of another type', `code\n//# sourceMappingURL=data:text/plain;base64,${base64(json)}`, undefined],
  ['of an unknown charset', `code\n//# sourceMappingURL=data:application/json;charset=none;base64,${base64(json)}`, undefined],
  ['no Base64', 'code\n//# sourceMappingURL=data:application/json;base64,?!', undefined],
  ['broken percent signs', 'code\n//# sourceMappingURL=data:application/json,%E0%A4%A', undefined],
  ['no JSON', `code\n//# sourceMappingURL=data:application/json;base64,${base64('nothing')}`, undefined],
  ['a broken map', `code\n//# sourceMappingURL=data:application/json;base64,${base64('{"version":3}')}`, undefined],
  ['nothing', 'code\n//# sourceMappingURL=data:', undefined],
  ['too large', `code\n//# sourceMappingURL=data:application/json;base64,${base64(json + ' '.repeat(1 << 20))}`, undefined],
  ['no comment', `'sourceMappingURL=data:application/json;base64,${base64(json)}`, undefined],
  ['an empty source', '', undefined],
])('inline map: %s', (_title, source, place) => {
  const at = inlineSourceMapAt(source)
  const map = at < 0 ? undefined : readInlineSourceMap(source, at)?.find(1, 7)
  expect(map && `${map.source}:${map.line}:${map.column}`).toBe(place)
})

test.each<[line: string, frame: readonly [manner: string, name: string, file: string, line: number, column: number] | undefined]>([
  ['    at f (a.js:1:2)', ['', 'f', 'a.js', 1, 2]],
  ['    at a.js:10:20', ['', '', 'a.js', 10, 20]],
  ['    at async f (a.js:1:2)', ['async ', 'f', 'a.js', 1, 2]],
  ['    at async a.js:1:2', ['async ', '', 'a.js', 1, 2]],
  ['    at new C (a.js:1:2)', ['new ', 'C', 'a.js', 1, 2]],
  ['    at Object.f [as g] (a.js:1:2)', ['', 'Object.f [as g]', 'a.js', 1, 2]],
  ['    at f (dir (x)/b (1).js:1:2)', ['', 'f', 'dir (x)/b (1).js', 1, 2]],
  ['    at dir (x)/b (1).js:1:2', ['', '', 'dir (x)/b (1).js', 1, 2]],
  // Where a name could begin in several places, the longest is meant.
  ['    at f (x (a.js:1:2)', ['', 'f (x', 'a.js', 1, 2]],
  ['    at f ((a.js:1:2)', ['', 'f', '(a.js', 1, 2]],
  ['    at async b.js:1:2', ['', '', 'async b.js', 1, 2]],
  ['    at b:3:4:1:2', ['', '', 'b:3:4', 1, 2]],
  ['    at f (other.js:1:2)', undefined],
  ['    at f (dir/a.js:1:2)', undefined],
  ['    at f (a.js:1:2), a.js:1:2)', undefined],
  ['    at eval (eval at f (a.js:1:2), <anonymous>:1:1)', undefined],
  ['    at Array.map (<anonymous>)', undefined],
  ['    at async Promise.all (index 0)', undefined],
  ['    at f (a.js:1)', undefined],
  ['    at f (a.js:0:1)', undefined],
  ['    at f (a.js:1:9999999999)', undefined],
  ['    at f (a.js:1:2) ', undefined],
  ['at f (a.js:1:2)', undefined],
  ['a.js:1:2', undefined],
  [`    at ${' ('.repeat(1000)}a.js:1:2)`, undefined],
  [`    at ${'x'.repeat(3000)} (a.js:1:2)`, undefined],
  ['', undefined],
])('frame %j', (text, expected) => {
  const files = new Set(['a.js', 'dir (x)/b (1).js', '(a.js', 'async b.js', 'b:3:4'])
  const frame = readFrame(text, (file) => files.has(file))
  expect(frame && [frame.manner, frame.name, frame.file, frame.line, frame.column]).toEqual(expected)
  // Written as it was read.
  expect(frame === undefined ? text : writeFrame(frame)).toBe(text)
})

/** A script whose line n is that of a.ts, with `e` in the place of `original`. */
const script = MappedScript.of(
  'e()\nnew e()\nawait  e()\ncb()\ne2()',
  OriginalPlaces.of({
    version: 3,
    sources: ['a.ts'],
    names: ['original', 'bad\nname'],
    mappings: 'AAAAA;AACA,IAAIA;AACA,OAAOA;AACAA;AACAC',
  }),
)
test.each<[title: string, line: number, column: number, name: string, original: string | undefined]>([
  ['a call', 1, 1, 'e', 'original'],
  ['a construction', 2, 1, 'e', 'original'],
  ['a call that is awaited', 3, 1, 'e', 'original'],
  ['a call through a parameter', 4, 1, 'e', undefined],
  ['a call of a longer name', 5, 1, 'e', undefined],
  ['a name that is none', 5, 1, 'e2', undefined],
  ['a line that is not there', 9, 1, 'e', undefined],
])('original name of %s', (_title, line, column, name, original) => {
  expect(script?.calleeName(line, column, name)).toBe(original)
})

const files = (file: string): MappedScript | undefined =>
  file === 'a.js' ? MappedScript.of('n    m\n', OriginalPlaces.of(MAP)) : undefined

function errorWith(stack: string, more: object = {}): Error {
  return Object.assign(Object.defineProperty(new Error('message'), 'stack', { value: stack, writable: true, configurable: true }), more)
}

test('causes and errors are mapped, each once; what is no error is left', () => {
  const cause = errorWith('Error: message\n    at a.js:1:7')
  const error = errorWith('Error: message\n    at f (a.js:2:1)\n    at b.js:1:1', {
    cause,
    errors: [cause, 'a.js:1:7', { stack: '    at a.js:1:7' }],
    value: 1,
  })
  Object.assign(cause, { cause: error })
  mapErrors(error, files)
  expect([error.stack, cause.stack]).toEqual(['Error: message\n    at f (a.ts:2:1)\n    at b.js:1:1', 'Error: message\n    at a.ts:1:7'])
  expect(error).toMatchObject({ errors: [cause, 'a.js:1:7', { stack: '    at a.js:1:7' }] })
})

test.each<[title: string, stack: string, more: object, mapped: string]>([
  [
    'lines of the message',
    'Error: m\n    at a.js:1:7\n    at a.js:1:7',
    { message: 'm\n    at a.js:1:7' },
    'Error: m\n    at a.js:1:7\n    at a.ts:1:7',
  ],
  ['a name that is a symbol', 'Error: m\n    at a.js:1:7', { name: Symbol('s'), message: 'm' }, 'Error: m\n    at a.ts:1:7'],
  ['a stack that is a number', 'x', { stack: 42 }, 'x'],
  ['an empty stack', '', {}, ''],
  ['the end of a line', 'Error: message\n    at a.js:1:7\n', {}, 'Error: message\n    at a.ts:1:7\n'],
  [
    'lines beyond the budget',
    `Error: message${'\n    at a.js:1:7'.repeat(1005)}`,
    {},
    `Error: message${'\n    at a.ts:1:7'.repeat(999)}${'\n    at a.js:1:7'.repeat(6)}`,
  ],
])('hostile: %s', (_title, stack, more, mapped) => {
  const error = errorWith(stack, more)
  if ('stack' in more) Object.defineProperty(error, 'stack', { value: more.stack })
  mapErrors(error, files)
  expect(error.stack).toEqual('stack' in more ? more.stack : mapped)
})

test('a million errors: a thousand are looked at', () => {
  const errors = Array.from<unknown>({ length: 1_000_000 })
  errors[5] = errorWith('    at a.js:1:7')
  errors[999_999] = errorWith('    at a.js:1:7')
  mapErrors(errorWith('x', { errors }), files)
  expect([errors[5], errors[999_999]].map((error) => (error as Error).stack)).toEqual(['    at a.ts:1:7', '    at a.js:1:7'])
})

test.each<[title: string, stack: string, mapped: string]>([
  ['the original place', 'a.js:1\nn    m\n      ^\n\nSyntaxError: x', 'a.ts:1\nn    m\n      ^\n\nSyntaxError: x'],
  ['a line that was cut', 'a.js:1\n   m\n   ^\n\nSyntaxError: x', 'a.js:1\n   m\n   ^\n\nSyntaxError: x'],
  ['another file', 'b.js:1\nn    m\n     ^\n\nSyntaxError: x', 'b.js:1\nn    m\n     ^\n\nSyntaxError: x'],
  ['no excerpt', 'a.js:1\nn    m\n     ^\nSyntaxError: x', 'a.js:1\nn    m\n     ^\nSyntaxError: x'],
])('excerpt: %s', (_title, stack, mapped) => {
  const error = errorWith(stack)
  mapErrors(error, files)
  expect(error.stack).toBe(mapped)
})

test('a hundred scripts are remembered: those that were used last', () => {
  const maps = new SourceMaps()
  const stackOf = (file: string): string | undefined => {
    const error = errorWith(`x\n    at ${file}:1:7`)
    maps.map(error, undefined)
    return error.stack?.slice(9)
  }
  for (let i = 0; i < 100; i++) maps.remember({ file: `${i}.js`, script: files('a.js') })
  expect(stackOf('0.js')).toBe('a.ts:1:7')
  for (let i = 100; i < 150; i++) maps.remember({ file: `${i}.js`, script: files('a.js') })
  expect(['0.js', '1.js', '50.js', '51.js', '149.js'].map(stackOf)).toEqual(['a.ts:1:7', '1.js:1:7', '50.js:1:7', 'a.ts:1:7', 'a.ts:1:7'])
  maps.remember({ file: '0.js', script: undefined })
  expect(stackOf('0.js')).toBe('0.js:1:7')
})

test('scripts are remembered up to a size', () => {
  const maps = new SourceMaps()
  const large = MappedScript.of('n    m'.padEnd(6 * 1024 * 1024), OriginalPlaces.of(MAP))
  for (const file of ['a.js', 'b.js', 'c.js']) maps.remember({ file, script: large })
  const error = errorWith('x\n    at a.js:1:7\n    at b.js:1:7\n    at c.js:1:7')
  maps.map(error, undefined)
  expect(error.stack).toBe('x\n    at a.js:1:7\n    at a.ts:1:7\n    at a.ts:1:7')
})
