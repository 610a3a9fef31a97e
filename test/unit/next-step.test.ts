import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { ConnectionError } from '../../src/client/index.ts'
import { errorForCode } from '../../src/client/errors.ts'
import { describeFailure } from '../../src/cli/failure.ts'

/** As people read it, but for its colours. */
const told = (error: Error): string => stripVTControlCharacters(describeFailure(error))

test("another user's socket", () => {
  const cause = Object.assign(new Error('connect EACCES /s'), { code: 'EACCES' })
  expect(
    told(new ConnectionError('ERR_CONNECTION', 'cannot connect to /s: this user may not open it.', { cause })),
  ).toBe(`glovebox: cannot connect to /s: this user may not open it. [ERR_CONNECTION]
  Its owner lets others in with 'glovebox serve --socket-mode 660 --socket-group GROUP': docs/tenants.md.`)
})

test.each([
  ['ERR_OVERLOADED', "Try again, look at 'glovebox top', or start the daemon with a larger --max."],
  ['ERR_OUTPUT_LIMIT', 'Return less, or write parts of it to the console.'],
  ['ERR_CPU_LIMIT', "Wait a minute, or raise 'cpu' for this tenant in the daemon's policy: docs/tenants.md."],
  ['ERR_VERSION', "Use the same release of Glovebox on both sides: 'glovebox --version'."],
  ['ERR_ACCESS_DENIED', 'Give --tenant and $GLOVEBOX_TOKEN as the policy has them, or ask who runs the daemon: docs/tenants.md.'],
])('the next step after %s', (code, next) => {
  expect(told(errorForCode(code, 'it failed.'))).toBe(`glovebox: it failed. [${code}]\n  ${next}`)
})

test('the text of a guest does no harm', () => {
  expect(told(errorForCode('ERR_STOPPING', 'stops \x1b[2J'))).toBe('glovebox: stops \\x1b[2J [ERR_STOPPING]')
})
