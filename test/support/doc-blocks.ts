import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What a test may run of a page: the command, where it neither stays nor stops what others use, and nothing of a shell's. */
const HARMLESS = /^(?:glovebox (?:run|status|doctor|token|bundle|config|completion) [^;&|`$<>]*?)?(?:#.*)?$/

/** A block of code of the documentation. */
export interface DocBlock {
  /** Page and line: `README.md:9`. */
  readonly place: string
  readonly page: string
  readonly language: 'js' | 'ts' | 'sh'
  readonly code: string
  /** Why it cannot run, if its first line says `norun: WHY`. */
  readonly reason: string | undefined
  /** What it is to print, in order: what stands behind `console.log()` in a comment, or behind an arrow in any. */
  readonly says: readonly string[]
}

/**
 * Every block of the languages that the tests run, in every page. A block is a program of its own, unless its first line says `continued`: then it goes on where the page's block before it ends.
 */
export function docBlocks(): readonly DocBlock[] {
  return [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })].sort().flatMap(blocksOf)
}

function blocksOf(page: string): readonly DocBlock[] {
  const blocks: DocBlock[] = []
  const text = readFileSync(join(ROOT, page), 'utf8')
  for (const found of text.matchAll(/^```(js|ts|sh)\b(.*)\n([^]*?)^```$/gm)) {
    const [, language = '', info = '', code = ''] = found
    const line = text.slice(0, found.index).split('\n').length
    const before = info.trim() === 'continued' ? blocks.pop() : undefined
    const whole = (before?.code ?? '') + code
    blocks.push({
      place: `${page}:${line}`,
      page,
      language: language as DocBlock['language'],
      code: whole,
      reason: /^ norun: (.+)$/.exec(info)?.[1],
      says: whole.split('\n').flatMap(saidIn),
    })
    if (language === 'sh' && info === '' && !whole.split('\n').every((each) => HARMLESS.test(each)))
      throw new Error(`${page}:${line} would run more than a harmless command of glovebox: say 'sh norun: WHY'`)
    if (!/^(?: norun: .+| continued)?$/.test(info))
      throw new Error(`${page}:${line} says '${info}', which is neither 'norun: WHY' nor 'continued'`)
  }
  return blocks
}

function saidIn(line: string): readonly string[] {
  const comment = /^.*\S *(?:\/\/|#) (?<arrow>→ )?(?<text>.+)$/.exec(line)?.groups
  if (comment === undefined || (comment['arrow'] === undefined && !line.includes('console.log('))) return []
  return [comment['text'] as string]
}

/** Compares what was printed with what the comments say: each begins with one or more of the texts, and goes on, if at all, with an explanation. Gives the first difference. */
export function difference(says: readonly string[], printed: readonly string[]): string | undefined {
  const rest = printed.map((text) => text.replace(/\s+/g, ' ').trim())
  for (const text of says) {
    let left = text.trim()
    const before = rest.length
    while (rest[0] !== undefined && left.startsWith(rest[0]) && left !== '') left = left.slice(rest.shift()?.length).trim()
    if (rest.length === before || (left !== '' && !/^[:,(]/.test(left)))
      return `says '${text}', prints '${rest[0] ?? printed.at(-1) ?? 'nothing'}'`
  }
  return rest.length === 0 || says.length === 0 ? undefined : `prints '${rest[0]}', which no comment says`
}
