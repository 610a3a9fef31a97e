// A component of a real library from npm, rendered to a DOM that no browser draws: it reacts to a click.
import { readFile } from 'node:fs/promises'
import { connect } from 'glovebox'

// `glovebox bundle preact -o preact.js` makes such a file of a package. It defines the global `preact`.
const source = await readFile(new URL('../build/guests/preact.js', import.meta.url), 'utf8')

const component = `
  const { Component, h, render } = preact
  class Basket extends Component {
    state = { count: 2 }
    more = () => this.setState({ count: this.state.count + 1 })
    render() {
      return [h('p', null, 'Apples: ', this.state.count), h('button', { onClick: this.more }, 'One more')]
    }
  }
  render(h(Basket), document.body)
  document.body.innerHTML`

await using box = await connect()
// Contexts with a DOM and the library in it: workers keep some ready.
const withPreact = await box.definePreset({ source, name: 'preact', globals: 'browser' })
await using page = await box.createContext({}, { globals: withPreact })

console.log(await page.run(component))
await page.run(`document.querySelector('button').dispatchEvent(new MouseEvent('click', { bubbles: true }))`)
// The library renders when the click is over.
await page.idle()
console.log(await page.run('document.body.innerHTML'))
