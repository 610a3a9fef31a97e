/**
 * How two sides keep an object in step, as values of the codec. A delta is `[ack, number, nodes, isReference, value]`: the number of the last delta of the other side that was applied, its
 * own, what has changed since the last one that the other side acknowledged, and a value, or the id of the object that it is.
 *
 * A node stands for an object (or a symbol) that both sides have. Its id was given by the side that had it first: odd by the client, even by the realm; 0 is the root.
 */

/** `[id, OBJECT, isWhole, hasPrototype, keys, flags, values]`. If it is whole, other properties are to go. */
export const NODE_OBJECT = 0
/** `[id, ARRAY, values, references]`: the references are the places of those values that are ids. */
export const NODE_ARRAY = 1
/** `[id, SPARSE, values, references]`: an array with holes, or with properties of other names. Its length, then keys and values in turn. */
export const NODE_SPARSE = 2
/** `[id, MAP, values, references]`: keys and values in turn. */
export const NODE_MAP = 3
/** `[id, SET, values, references]`. */
export const NODE_SET = 4
/** `[id, COPY, value]`: an object that the codec copies. */
export const NODE_COPY = 5
/** `[id, SYMBOL, description]`. */
export const NODE_SYMBOL = 6
/** `[id, STAND_IN, what]`: something that cannot cross. */
export const NODE_STAND_IN = 7

/** The value is the id of a node. */
export const FLAG_REFERENCE = 1
/** Not enumerable, not writable, not configurable. */
export const FLAG_HIDDEN = 2
export const FLAG_READ_ONLY = 4
export const FLAG_LOCKED = 8
/** The value is an array of getter and setter, either of which may be undefined. */
export const FLAG_ACCESSOR = 16
/** The property is gone. */
export const FLAG_DELETED = 32

export type Delta = readonly [ack: number, number: number, nodes: readonly NodeRecord[], isReference: unknown, value: unknown]
/** HOSTILE at the client: nothing of it is checked yet. */
export type NodeRecord = readonly unknown[]
