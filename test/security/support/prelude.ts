/**
 * The attacker's tools, run first in each context: guest code that keeps its own copies of what it needs, so that an attack may then tamper with anything.
 *
 * - `judge(value)` walks all that can be reached from a value (prototypes, descriptors, what getters give, what promises settle to) and tries each
 *   `Function` constructor on the way. In a text it looks for names of ours and of Node's. An attack that never calls it did not happen.
 * - `judgeDepths(attempt)` calls `attempt` with no stack left, then with a little more, and so on, and judges all that it returned or threw.
 * - `report(sweep)` tells the worst found: `own` (only this realm), `moat` (a foreign realm, frozen and empty) or `ESCAPED:…`; after a bar how often `judge`
 *   saw something. With `sweep` it first judges everything that can be reached from the global object.
 */
export const PRELUDE = `(() => {
'use strict'
const { apply, getPrototypeOf, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect
const { isFrozen } = Object
const { has, add } = WeakSet.prototype
const { then } = Promise.prototype
const { indexOf } = String.prototype
const SetOf = WeakSet
const ownGlobal = globalThis
const OwnFunction = Function
const LIMIT = 6000
const FORBIDDEN = ['process', 'require', 'module', 'Buffer', 'setTimeout', 'queueMicrotask', 'fetch', 'siblingSecret']
const forbidden = FORBIDDEN.length

let verdict = 'own'
let looked = 0
const seen = new SetOf()
const worse = (found) => {
  if (verdict === 'own' || (verdict === 'moat' && found !== 'moat')) verdict = found
}
const escaped = () => verdict !== 'own' && verdict !== 'moat'
const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function'

/** What a Function constructor of another realm is good for. */
const classify = (Foreign, foreignGlobal) => {
  for (let i = 0; i < forbidden; i++) {
    try {
      if (apply(Foreign, undefined, ['return typeof ' + FORBIDDEN[i]])() !== 'undefined') return worse('ESCAPED:' + FORBIDDEN[i])
    } catch {}
  }
  if (!isFrozen(foreignGlobal)) return worse('ESCAPED:realm')
  worse('moat')
  try {
    const imported = apply(Foreign, undefined, ["return import('node:fs')"])()
    apply(then, imported, [() => worse('ESCAPED:import'), (reason) => walk(reason, seen)])
    walk(imported, seen)
  } catch (error) {
    walk(error, seen)
  }
}

const tryFunction = (value) => {
  if (value === OwnFunction) return
  // Only of a Function constructor is the prototype a function.
  const described = getOwnPropertyDescriptor(value, 'prototype')
  if (described === undefined || typeof described.value !== 'function') return
  const made = apply(value, undefined, ['return this'])
  if (typeof made !== 'function') return
  const foreignGlobal = apply(made, undefined, [])
  if (isObject(foreignGlobal) && foreignGlobal !== ownGlobal) classify(value, foreignGlobal)
}

let nested = 0
const walk = (root, known) => {
  if (!isObject(root) || escaped() || nested > 3) return
  nested++
  // Without a prototype, and filled by definition: a guest's setters on Array.prototype would get to see it.
  const queue = { __proto__: null }
  let length = 0
  const push = (value) => {
    if (!isObject(value) || apply(has, known, [value])) return
    apply(add, known, [value])
    queue[length++] = value
  }
  push(root)
  for (let i = 0; i < length && i < LIMIT && !escaped(); i++) {
    const object = queue[i]
    try {
      if (typeof object === 'function') tryFunction(object)
    } catch {}
    try {
      push(getPrototypeOf(object))
    } catch (error) {
      push(error)
    }
    let keys
    try {
      keys = ownKeys(object)
    } catch (error) {
      push(error)
      continue
    }
    for (let k = 0; k < keys.length && k < 1000; k++) {
      try {
        const described = getOwnPropertyDescriptor(object, keys[k])
        if (described === undefined) continue
        push(described.value)
        push(described.get)
        push(described.set)
        if (described.get !== undefined) push(apply(described.get, object, []))
      } catch (error) {
        push(error)
      }
    }
  }
  nested--
}

let sweeping = false
let asking = false
const judge = (value) => {
  // A sweep calls the attack's own getters.
  if (sweeping) return value
  if (typeof value === 'string') {
    looked++
    if (apply(indexOf, value, ['glovebox']) >= 0 || apply(indexOf, value, ['node:']) >= 0) worse('ESCAPED:text')
    return value
  }
  if (!isObject(value)) return value
  looked++
  walk(value, seen)
  // A promise, of whatever realm: its outcome, too. To ask for it may call the attack, which judges again.
  if (asking) return value
  asking = true
  try {
    const derived = apply(then, value, [judge, judge])
    walk(derived, seen)
  } catch {}
  asking = false
  return value
}

const atDepths = (attempt, levels = 100, pads = 8) => {
  const kept = { __proto__: null, length: 0 }
  // Once with room enough: to compile a function takes more stack than all that is tried below.
  try {
    kept[0] = attempt()
  } catch (error) {
    kept[0] = error
  }
  kept.length = 1
  const climb = () => {
    let room = 0
    try {
      room = climb()
    } catch (error) {
      kept[kept.length++] = error
    }
    if (room < levels) {
      let got
      try {
        got = attempt()
      } catch (error) {
        got = error
      }
      kept[kept.length++] = got
    }
    return room + 1
  }
  // Arguments that nobody takes shift the frames by a word each.
  const padding = []
  for (let pad = 0; pad < pads; pad++) {
    apply(climb, undefined, padding)
    padding[pad] = pad
  }
  return kept
}

const judgeDepths = (attempt, levels, pads) => {
  const kept = atDepths(attempt, levels, pads)
  for (let i = 0; i < kept.length; i++) judge(kept[i])
  return kept.length
}

const report = (sweep) => {
  if (sweep) {
    sweeping = true
    walk(ownGlobal, new SetOf())
    sweeping = false
  }
  return verdict + '|' + looked
}

const tools = { __proto__: null, judge, judgeDepths, report }
for (const name of ['judge', 'judgeDepths', 'report']) defineProperty(ownGlobal, name, { __proto__: null, value: tools[name] })
// All that belongs to this realm from the start is known, so that a walk soon comes to an end. Globals that a host gave are enumerable.
const keys = ownKeys(ownGlobal)
for (let i = 0; i < keys.length; i++) {
  const described = getOwnPropertyDescriptor(ownGlobal, keys[i])
  if (!described.enumerable) walk(described.value, seen)
}
const hidden = [function* () {}, async function* () {}, async () => {}, [][Symbol.iterator](), new Map()[Symbol.iterator](), tools]
for (let i = 0; i < hidden.length; i++) walk(hidden[i], seen)
})()
0`
