/**
 * Guest code, an expression that is a promise: puts into `F` the Function constructor of whatever foreign realm `import()` hands out, with its rejections or near
 * the stack limit. Here that is the moat's at most, in plain `node:vm` the host's.
 */
export const FIND_F = `(async () => {
  const look = (found) => {
    const Found = found.constructor.constructor
    if (Found !== Function) F = Found
  }
  try { await import('x') } catch (error) { look(error) }
  let kept
  const climb = () => {
    let room = 0
    try { room = climb() } catch (error) { kept[kept.length++] = error }
    if (room < 120) {
      let got
      try { got = import('x') } catch (error) { got = error }
      kept[kept.length++] = got
    }
    return room + 1
  }
  // Arguments that nobody takes shift the frames by a word each.
  for (let pad = []; pad.length < 100 && F === undefined; pad.push(0)) {
    kept = { __proto__: null, length: 0 }
    climb(...pad)
    for (let i = 0; i < kept.length; i++) {
      look(kept[i])
      if (kept[i] instanceof Promise) kept[i].catch(look)
    }
    await null
  }
})()`
