import _ from 'lodash'
import { people } from './sample.js'

/** Groups, orders, copies and merges records. */
export function job() {
  let text = ''
  for (let i = 0; i < 3; i++) {
    const copies = _.cloneDeep(people)
    const groups = _.groupBy(_.orderBy(copies, ['age', 'name'], ['desc', 'asc']), 'age')
    const merged = _.merge(
      {},
      ..._.flatMap(groups, (group) => _.map(group, (person) => _.pick(person, ['name', 'tags', 'location.latitude']))),
    )
    const totals = _.mapValues(groups, (group) => _.sumBy(group, 'balance').toFixed(2))
    text = JSON.stringify([merged, totals, _.uniq(_.flatMap(copies, 'tags')).map(_.kebabCase)])
  }
  return text
}
