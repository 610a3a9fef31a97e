// Writes docs/errors.md: the codes from src/protocol/error-table.ts, and a real report of each of nine deaths. `node scripts/error-docs.ts` dies nine times and writes new reports;
// `node scripts/error-docs.ts --keep` keeps those that are there. A test compares both with the code.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONNECTION_ERRORS, DAEMON_ERRORS, type ErrorEntry, GUEST_ERRORS, RUN_ERRORS } from '../src/protocol/error-table.ts'
import { PHASES } from '../src/protocol/report.ts'
import { type DeathCase, NINE_DEATHS } from '../test/support/nine-deaths.ts'

const FILE = join(import.meta.dirname, '../docs/errors.md')

/** An error as the page shows it. */
interface Shown {
  readonly message: string
  readonly report: Readonly<Record<string, unknown>>
}

/** The whole page, with these examples by the title of the death. */
export function errorDocs(examples: ReadonlyMap<string, Shown>): string {
  return [
    '# Errors',
    '<!-- Made by `node scripts/error-docs.ts` from src/protocol/error-table.ts: change it there. -->',
    'Every error that Glovebox raises on purpose is a `GloveboxError` with a stable `code`. Branch on the class or the code; messages are for people, and may change. What a guest throws is described in [errors-and-stacks.md](errors-and-stacks.md); `glovebox/vm` has the codes of `node:vm`.',
    section('What a call rejects with', RUN_ERRORS),
    section('Clients and daemons', CONNECTION_ERRORS),
    section('Starting a daemon', DAEMON_ERRORS),
    'They are thrown by `glovebox/daemon` and by `glovebox serve`, and have no report. A client for which a daemon cannot be started sees `ERR_CONNECTION`.',
    section('In a guest', GUEST_ERRORS),
    'They are errors of the guest’s realm, which it may catch. `ERR_VALUE_UNSUPPORTED`, `ERR_VALUE_TOO_DEEP`, `ERR_VALUE_TOO_LARGE`, `ERR_FUNCTION_GONE` and `ERR_OVERLOADED` come up there, too.',
    REPORT,
    '## Nine deaths',
    'Each was seen on a real machine; `undefined` fields are left out.',
    ...NINE_DEATHS.map((death) => deathText(death, examples.get(death.title))),
    '',
  ].join('\n\n')
}

const REPORT = `## The report

\`error.report\` is there where a limit or a death is the cause. Fields that are not known are \`undefined\`.

| field | what |
|---|---|
| phase | where the run was: ${PHASES.map((phase) => `\`${phase}\``).join(', ')}. \`queued\` has not begun; \`host-call\` waits for a function of yours; \`result\` is being encoded |
| limit, configured, observed | the limit that was reached, by its name in \`limits\`, what it was set to and what was seen, in its unit |
| worker | the worker's number in its daemon's life; 0 if there was none yet |
| cause | what the worker died of, if it did |
| signal, exitCode | how its process ended |
| stderr | the line of its last words that says most: V8's, or Node's |
| reason | why the daemon ended it, or would not give one |
| channel, run | what it was at when it died, by its own account |
| wallMs, cpuMs | of a run, since it began, and how long it computed; of a worker that died, of its whole life |
| peakRssBytes | the most memory that the worker had resident in its life |
| hostCall | the host function that the run called last, by its name, or \`#\` and its number |
| bytesOut | what the worker sent to this client from when the run was asked for until it failed: console output, host calls and results, also of other runs in the same worker |
| at | where the guest was when its deadline passed: \`functionName\`, \`file\`, \`line\`, \`column\`. Known of a guest that was met asking for something: in a synchronous host call, in a web global that the worker serves. Of one that only computes it is not known: finding out would cost every run something (ARCHITECTURE.md says what was tried) |

An outcome of \`runMany\` that failed by its deadline or by \`maxOutput\` has a report of its own: \`wallMs\` and \`cpuMs\` are those of its input, and 0 if the result was refused among others of the same slice.

What confinement refuses has no report: a guest has no function that asks the kernel for anything, so it is refused nothing that it could be told of. A call that only broken out code can make fails there, or ends the worker, and then the death is reported.`

function section(title: string, errors: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(errors).map(
    ([code, { type, meaning, remedy, report }]) => `| \`${code}\` | ${type} | ${meaning} | ${remedy} | ${report ?? '–'} |`,
  )
  return [`## ${title}\n`, '| code | class | meaning | what to do | report |', '|---|---|---|---|---|', ...rows].join('\n')
}

function deathText({ title, how, error }: DeathCase, shown: Shown | undefined): string {
  const report = shown === undefined ? '(not seen yet)' : JSON.stringify(shown.report, undefined, 2)
  return `### ${title}\n\nDone by ${how}.\n\n\`${error[0]}\` \`${error[1]}\`: ${shown?.message ?? ''}\n\n\`\`\`json\n${report}\n\`\`\``
}

/** What the page shows now. */
export function documentedExamples(): ReadonlyMap<string, Shown> {
  const page = documentedPage()
  const found = page.matchAll(/^### (.+)\n\nDone by .+\n\n`\w+` `\w+`: (.*)\n\n```json\n([^`]+)\n```$/gm)
  return new Map(
    Array.from(found, ([, title = '', message = '', json = '{}']) => [title, { message, report: JSON.parse(json) as Shown['report'] }]),
  )
}

export function documentedPage(): string {
  return readFileSync(FILE, 'utf8')
}

async function dieNineTimes(): Promise<ReadonlyMap<string, Shown>> {
  const examples = new Map<string, Shown>()
  for (const { title, die } of NINE_DEATHS) {
    const error = await die()
    if (typeof error === 'string') throw new Error(`${title}: this machine cannot show it: ${error}`)
    const report = Object.entries(error.report ?? {}).map(([name, value]) => [name, typeof value === 'number' ? Math.round(value) : value])
    examples.set(title, { message: error.message, report: Object.fromEntries(report) as Shown['report'] })
  }
  return examples
}

if (import.meta.main) {
  const examples = process.argv.includes('--keep') ? documentedExamples() : await dieNineTimes()
  writeFileSync(FILE, errorDocs(examples))
}
