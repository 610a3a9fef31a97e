import { marked } from 'marked'
import { people } from './sample.js'

const text = people
  .map(
    ({ id, name, about, tags, email, friends }) =>
      `## ${name}\n\n${about} *${tags[0]}* and **${tags[1]}**, [write](mailto:${email} "to ${name}").\n\n${friends.map((friend) => `- \`${friend.id}\` ${friend.name}`).join('\n')}\n\n| id | tag |\n|---|---|\n| ${id} | ${tags[2]} |\n`,
  )
  .join('\n')

/** Markdown of a few dozen pages. */
export function job() {
  return marked.parse(text)
}
