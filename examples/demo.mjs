// What Glovebox does, with timings. Every line with a check mark was verified; the first claim that does not hold ends it with exit code 1.
import { connect } from 'glovebox'
import { contexts } from './demo/contexts.mjs'
import { death } from './demo/death.mjs'
import { libraries } from './demo/libraries.mjs'
import { Narrator } from './demo/narrator.mjs'
import { runaways } from './demo/runaways.mjs'
import { leftovers } from './demo/leftovers.mjs'
import { view } from './demo/view.mjs'

const narrator = new Narrator(process.stdout)
try {
  narrator.title('Glovebox: JavaScript that you do not trust, outside your process')
  const box = await narrator.step('an embedded daemon is up', startDaemon)
  try {
    for (const chapter of [contexts, libraries, runaways, death, view]) await chapter(box, narrator)
    await leftovers(box, narrator)
  } finally {
    await box.dispose()
  }
  narrator.end()
} catch (error) {
  narrator.failed(error)
  process.exitCode = 1
}

/** A daemon of the demo's own, even where one is running for this user: a worker is killed later, which should be nobody else's. */
async function startDaemon() {
  return connect({ socket: '/nonexistent/glovebox.sock', spawn: true })
}
