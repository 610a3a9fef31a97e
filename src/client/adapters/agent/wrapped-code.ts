/** Lines of ours before the first line of the code. */
const LINES_BEFORE = 1

/** Gives what is awaited as JSON, by functions that were there before the code. What JSON does not know becomes what is nearest. */
const TO_JSON = `(() => { const { stringify } = JSON, { isView } = ArrayBuffer, near = (key, value) =>
  typeof value === 'bigint' ? String(value)
  : typeof value !== 'object' || value === null ? value
  : value instanceof Map || value instanceof Set || (isView(value) && !(value instanceof DataView)) ? [...value]
  : value instanceof Error ? { name: value.name, message: value.message, ...value }
  : value; return (value) => stringify(value, near) })()`.replace(/\n */g, ' ')

/** The code as one expression: what it gives if it is a value, or what it returns if it is a function. A line of its own ends a comment in the last line. */
export const asExpression = (code: string): string => `((toJson) => (async () => { const given = (
${code}
); return typeof given === 'function' ? given() : given })().then(toJson))(${TO_JSON})`

/** The code as the body of a function: statements, `await` and `return`. */
export const asBody = (code: string): string => `((toJson) => (async () => {
${code}
})().then(toJson))(${TO_JSON})`

/** Parses only if the code is one expression, and runs nothing of it. */
export const expressionTest = (code: string): string => `void (async () => (
${code}
))`

/** A stack as if the code stood alone: its own lines, and no frame of the wrapper's. */
export function unwrappedStack(stack: string, filename: string): string {
  const place = new RegExp(`${filename.replaceAll(/[.*+?^$()|[\]{}\\]/g, String.raw`\$&`)}:(\\d+)`, 'g')
  const lines = stack.split('\n').map((line) => line.replace(place, (_, number: string) => `${filename}:${Number(number) - LINES_BEFORE}`))
  return lines.filter((line) => !line.includes(`${filename}:0:`)).join('\n')
}
