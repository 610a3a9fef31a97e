import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** The parts of an inspected value, as `util.inspect` colours them. Strings come first: what is in them is not looked at. */
const PART =
  /('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|(\[[A-Z][^[\]\n]*\]|\[class [^\n]*?\]|\[\.\.\.\]|<[^<>\n]*>)|(Symbol\([^)\n]*\))|(\d{4}-\d\d-\d\dT[\d:.]+Z)|(?<![\w$])(-?(?:\d[\d_.]*(?:e[+-]?\d+)?n?|Infinity|NaN)|true|false)(?![\w$])|(?<![\w$])(undefined)(?![\w$:])|(?<![\w$])(null)(?![\w$:])/g
const STYLES: readonly Style[] = ['green', 'cyan', 'green', 'magenta', 'yellow', 'gray', 'bold']

/** An inspected value, with colours. Names of properties before a colon stay as they are. */
export function coloured(text: string): string {
  return text.replaceAll(PART, (part: string, ...found: unknown[]) => {
    const at = STYLES.findIndex((_, index) => found[index] !== undefined)
    const offset = found[STYLES.length] as number
    const isKey = text.startsWith(':', offset + part.length)
    return isKey && at !== 0 ? part : styleText(STYLES[at] as Style, part, { validateStream: false })
  })
}
