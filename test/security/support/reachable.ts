/** Guest code: walks through everything that its globals lead to. Gives whether that was much, and the paths of what is not of its own realm. */
export const FOREIGN = `
    const seen = new Set()
    const queue = [[globalThis, 'globalThis']]
    const foreign = []
    while (queue.length > 0 && seen.size < 60_000) {
      const [object, path] = queue.pop()
      if (seen.has(object)) continue
      seen.add(object)
      if (typeof object === 'function' && object !== Function.prototype && !(object instanceof Function)) foreign.push(path)
      let prototype = object
      for (let last = object; prototype !== null; prototype = Object.getPrototypeOf(prototype)) { last = prototype; if (Object.getPrototypeOf(prototype) === null && typeof last.constructor === 'function' && last.constructor.name === 'Object' && last !== Object.prototype) foreign.push(path + '.__proto__') }
      for (const key of Reflect.ownKeys(object)) {
        const described = Reflect.getOwnPropertyDescriptor(object, key)
        for (const part of ['value', 'get', 'set']) {
          const value = described?.[part]
          if ((typeof value === 'object' && value !== null) || typeof value === 'function') queue.push([value, path + '.' + String(key)])
        }
      }
      const parent = Object.getPrototypeOf(object)
      if (parent !== null) queue.push([parent, path + '.__proto__'])
    }
    [seen.size > 2_000, foreign]`
