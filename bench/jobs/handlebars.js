import Handlebars from 'handlebars'
import { people } from './sample.js'

const template = Handlebars.compile(
  '<ul>{{#each people}}<li class="{{#if active}}on{{else}}off{{/if}}">{{name}} &lt;{{email}}&gt; {{location.latitude}}{{#each friends}}, {{name}} of {{../name}}{{/each}}: {{shout about}}</li>{{/each}}</ul>',
)
const helpers = { shout: (text) => text.toUpperCase() }

/** A page by a compiled template, ten times. */
export function job() {
  let page = ''
  for (let i = 0; i < 10; i++) page = template({ people }, { helpers })
  return page
}
