import assert from 'node:assert/strict'
import { GuestError } from 'glovebox'

/** What a guest sees of its host: nothing. */
export async function view(box, narrator) {
  narrator.section('What a guest sees of its host')
  for (const name of ['process', 'require', 'module', 'Buffer', 'fetch']) {
    await narrator.step(`typeof ${name}`, async (see) => {
      const type = await box.run(`typeof ${name}`)
      assert.equal(type, 'undefined')
      see(type)
    })
  }
  for (const specifier of ['fs', 'node:child_process']) {
    await narrator.step(`import('${specifier}')`, async (see) => {
      see(await refusal(box, `import('${specifier}')`, 'TypeError'))
    })
  }
  await narrator.step("the oldest trick of node:vm's escapes", async (see) => {
    see(await refusal(box, `this.constructor.constructor('return process')()`, 'ReferenceError'))
  })
  await narrator.step('errors show the guest, and nothing of ours', async (see) => {
    const error = await box
      .run('function rule() { return order.total }\nrule()', { filename: 'rule.js' })
      .then(assert.fail, (reason) => reason)
    assert.deepEqual(error.stack.split('\n'), ['ReferenceError: order is not defined', '    at rule (rule.js:1:19)', '    at rule.js:2:1'])
    see('rule.js:1:19 < rule.js:2:1')
  })
}

/** Runs code that must throw, with an error of the guest's realm; resolves with its message. */
async function refusal(box, code, name) {
  const error = await box.run(code).then(assert.fail, (reason) => reason)
  assert.ok(error instanceof GuestError)
  assert.equal(error.name, name)
  return error.message.replace(/: no .*/, '')
}
