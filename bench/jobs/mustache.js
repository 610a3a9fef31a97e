import Mustache from 'mustache'
import { people } from './sample.js'

const template =
  '<ul>{{#people}}<li>{{name}} &lt;{{email}}&gt; {{location.latitude}}{{#friends}}, {{name}}{{/friends}}: {{about}}{{^active}} (gone){{/active}}</li>{{/people}}</ul>'

/** A page, ten times. */
export function job() {
  let page = ''
  for (let i = 0; i < 10; i++) page = Mustache.render(template, { people })
  return page
}
