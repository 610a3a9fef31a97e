import { ArrayOf, setPrototypeOf } from '../../../protocol/msgpack/intrinsics.ts'
import { indexOf, slice } from './intrinsics.ts'

/** An array without a prototype: nothing that guest code puts on Array.prototype is met. */
export interface List<T> {
  length: number
  [index: number]: T
}

export const list = <T>(): List<T> => setPrototypeOf(new ArrayOf<T>(), null)

export function join(texts: List<string>, separator: string): string {
  let out = ''
  for (let i = 0; i < texts.length; i++) out += i === 0 ? (texts[i] as string) : separator + (texts[i] as string)
  return out
}

export function includes<T>(items: List<T>, wanted: T): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === wanted) return true
  return false
}

/** Takes the first item that is `unwanted` out. */
export function remove<T>(items: List<T>, unwanted: T): void {
  let to = 0
  let found = false
  for (let from = 0; from < items.length; from++) {
    if (!found && items[from] === unwanted) found = true
    else items[to++] = items[from] as T
  }
  items.length = to
}

export function lines(text: string): List<string> {
  const out = list<string>()
  let start = 0
  for (;;) {
    const end = indexOf(text, '\n', start)
    if (end < 0) break
    out[out.length] = slice(text, start, end)
    start = end + 1
  }
  out[out.length] = slice(text, start)
  return out
}
