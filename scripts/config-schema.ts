// Writes schema/config.schema.json, which editors use: from the rules that the daemon checks a configuration by, and the docstrings of its options. A test says when it is to be run again.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { configSchema } from '../src/daemon/config/schema.ts'

const at = (path: string): URL => new URL(`../${path}`, import.meta.url)
export const schemaFile = fileURLToPath(at('schema/config.schema.json'))

/** The docstring before each name. */
function docstrings(path: string): Map<string, string> {
  const source = readFileSync(at(path), 'utf8')
  const found = source.matchAll(/\/\*\* (?<text>.*) \*\/\n\s*(?:readonly )?(?<name>\w+)\??:/g)
  return new Map(Array.from(found, ({ groups }) => [groups?.['name'] ?? '', groups?.['text'] ?? '']))
}

type Part = { description?: string; properties?: Record<string, Part>; additionalProperties?: Part | boolean; anyOf?: Part[] }

function describe(part: Part, texts: ReadonlyMap<string, string>): void {
  for (const [name, each] of Object.entries(part.properties ?? {})) {
    const text = texts.get(name)
    if (text !== undefined) each.description = text
    describe(each, texts)
  }
  if (typeof part.additionalProperties === 'object') describe(part.additionalProperties, texts)
  for (const each of part.anyOf ?? []) describe(each, texts)
}

/** The schema as the file has it. */
export function configJsonSchema(): string {
  const schema = toJsonSchema(configSchema, { typeMode: 'input' }) as Part & { title?: string }
  const options = docstrings('src/daemon/options.ts')
  describe(schema, docstrings('src/daemon/tenants/policy.ts'))
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const text = options.get(name)
    if (text !== undefined) each.description = text
  }
  return `${JSON.stringify({ title: 'Configuration of a Glovebox daemon', ...schema }, undefined, 2)}\n`
}

if (import.meta.main) writeFileSync(schemaFile, configJsonSchema())
