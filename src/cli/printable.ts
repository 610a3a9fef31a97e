/** Whether to colour what goes there: a terminal, unless NO_COLOR says otherwise; and whatever FORCE_COLOR says, as with Node. */
export function hasColours(stream: NodeJS.WriteStream): boolean {
  const { FORCE_COLOR: forced } = process.env
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stream.isTTY && stream.hasColors()
}

/** Everything that moves a cursor, sets a title or answers back; line feed and tab are harmless. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g
// oxlint-disable-next-line no-control-regex
const CONTROL_OR_COLOUR = /\x1b\[\d{1,3}m|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/**
 * Text that is safe on a terminal. Guests choose their messages and stacks, and a terminal obeys escape sequences in them. With `colours`, those that only set
 * a colour stay: they are also what `util.inspect` writes.
 */
export function printable(text: string, colours: boolean): string {
  return text.replace(colours ? CONTROL_OR_COLOUR : CONTROL, (found) => (found.length > 1 ? found : escaped(found)))
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}
