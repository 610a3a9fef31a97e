import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documentedExamples, documentedPage, errorDocs } from '../../scripts/error-docs.ts'
import { errorForCode } from '../../src/client/errors.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { CONNECTION_ERRORS, DAEMON_ERRORS, type ErrorEntry, GUEST_ERRORS, RUN_ERRORS } from '../../src/protocol/error-table.ts'
import { NINE_DEATHS } from '../support/nine-deaths.ts'

const TABLE: Readonly<Record<string, ErrorEntry>> = { ...RUN_ERRORS, ...CONNECTION_ERRORS, ...DAEMON_ERRORS, ...GUEST_ERRORS }
/** Codes of Node's own, and the codec's, which become others before anybody sees them. */
const OTHERS = new Set([
  'ERR_DLOPEN_DISABLED',
  'ERR_SCRIPT_EXECUTION_INTERRUPTED',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_MALFORMED',
  'ERR_REENTRANT',
])
const SOURCES = join(import.meta.dirname, '../../src')
/** Have the codes of what they stand for. */
const FACADES = [join('client', 'vm'), join('client', 'adapters')]

describe('docs/errors.md', () => {
  test('is what the code makes of it: run `node scripts/error-docs.ts --keep`', () => {
    expect(documentedPage()).toBe(errorDocs(documentedExamples()))
  })

  test('shows nine deaths', () => {
    expect([...documentedExamples().keys()]).toEqual(NINE_DEATHS.map(({ title }) => title))
  })
})

describe('the table of codes', () => {
  test('explains every code of the sources, and no other', () => {
    const used = new Set<string>()
    for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || FACADES.some((facade) => file.startsWith(facade)) || file.endsWith('error-table.ts')) continue
      for (const [, code = ''] of readFileSync(join(SOURCES, file), 'utf8').matchAll(/'(ERR_[A-Z_]+)'/g)) used.add(code)
    }
    const explained = new Set(Object.keys(TABLE))
    expect([...used].filter((code) => !explained.has(code) && !OTHERS.has(code))).toEqual([])
    expect([...explained].filter((code) => !used.has(code))).toEqual([])
  })

  test.each(Object.keys(ERROR_CODES).filter((code) => !(code in GUEST_ERRORS)))('%s has the class that the client gives it', (code) => {
    expect(TABLE[code]?.type).toBe(errorForCode(code, '').constructor.name)
  })
})
