import assert from 'node:assert/strict'

/** The example of node:vm's documentation, then what makes a context a context. */
export async function contexts(box, narrator) {
  narrator.section("Contexts, as in node:vm's documentation")
  const x = 1
  const context = await narrator.step('a context with a global of ours', async (see) => {
    see('{ x: 2 }')
    return await box.createContext({ x: 2 })
  })
  await narrator.step('code changes its globals', async (see) => {
    see("run('x += 40; var y = 17')")
    await context.run('x += 40; var y = 17')
  })
  await narrator.step('which we can read; our own x is untouched', async (see) => {
    const seen = [await context.get('x'), await context.get('y'), x]
    assert.deepEqual(seen, [42, 17, 1])
    see(seen.join(', '))
  })
  await narrator.step('a second context knows nothing of the first', async (see) => {
    await using second = await box.createContext()
    assert.equal(await second.run('typeof x'), 'undefined')
    see('typeof x is undefined')
  })
  await narrator.step('values keep their types on the way', async (see) => {
    const value = { at: new Date(0), tags: new Set(['a']), big: 2n ** 70n, none: undefined, zero: -0 }
    await context.set('value', value)
    assert.deepEqual(await context.run('value'), value)
    see('Date, Set, BigInt, undefined, -0')
  })
  await narrator.step('1,000 runs, one after the other', async (see) => {
    const startedMs = performance.now()
    for (let i = 0; i < 1_000; i++) assert.equal(await context.run('6 * 7'), 42)
    see(`${(performance.now() - startedMs).toFixed(0)} µs each`)
  })
  await context.dispose()
}
