import { parse } from 'acorn'
import lodash from 'lodash'

/** All of lodash is one function. */
const source = `(${lodash.runInContext})`

/** A syntax tree of half a megabyte of source. */
export function job() {
  const counts = {}
  const walk = (node) => {
    counts[node.type] = (counts[node.type] ?? 0) + 1
    for (const key in node) {
      const child = node[key]
      if (Array.isArray(child)) for (const each of child) if (each !== null) walk(each)
      if (typeof child?.type === 'string') walk(child)
    }
  }
  walk(parse(source, { ecmaVersion: 2020 }))
  return JSON.stringify(counts)
}
