// A page with a script of its own, as a browser would run it: forms, events, innerHTML, and no network.
import { connect } from 'glovebox'

const html = `<form><input name="name"><input type="checkbox" name="loud" checked></form><output></output>`

const script = `
  const form = document.querySelector('form')
  form.addEventListener('input', () => {
    const { name, loud } = Object.fromEntries(new FormData(form))
    document.querySelector('output').textContent = 'Hello, ' + name + (loud ? '!' : '.')
  })`

await using box = await connect()
await using page = await box.createContext({ html, script }, { globals: 'browser' })

await page.run(`
  document.body.innerHTML = html
  document.body.append(Object.assign(document.createElement('script'), { textContent: script }))
  const input = document.querySelector('input')
  input.value = 'Ada'
  input.dispatchEvent(new Event('input', { bubbles: true }))`)

console.log('the page says:', await page.run(`document.querySelector('output').textContent`))
console.log(
  'the form holds:',
  await page.run(`JSON.stringify(Object.fromEntries(new FormData(document.forms[0])), null, 1).replaceAll(/\\s+/g, ' ')`),
)
console.log('no network:', await page.run(`fetch('https://example.com/').catch((error) => error.message)`))
