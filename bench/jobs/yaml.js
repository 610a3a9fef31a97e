import { parse, stringify } from 'yaml'
import { people } from './sample.js'

const few = people.slice(0, 20)

/** Records to YAML and back. */
export function job() {
  const text = stringify(few)
  return text + JSON.stringify(parse(text))
}
