import { globSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { reference } from '../../scripts/reference.ts'

const ROOT = join(import.meta.dirname, '../..')

test('docs/reference.md says what the package exports: the build writes it', () => {
  expect(readFileSync(join(ROOT, 'docs/reference.md'), 'utf8')).toBe(reference())
})

test('links between pages lead somewhere', () => {
  const pages = [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })]
  const dead = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
    return links.filter((link) => !existsSync(join(ROOT, dirname(page), link))).map((link) => `${page}: ${link}`)
  })
  expect(dead).toEqual([])
})
