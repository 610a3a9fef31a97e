/** What a mirror needs to know of the side that it is on. */
export interface MirrorSide {
  /** The id that this side gives first; it counts up by 2. */
  readonly firstId: number
  /** The object that is kept in step, and all that can be reached from it. */
  readonly root: object
  /** The properties of the root that count. */
  readonly eachOfRoot: (visit: (key: PropertyKey, described: PropertyDescriptor) => void) => void
  /** Removes a property of the root. */
  readonly deleteOfRoot: (key: PropertyKey) => boolean
  /** Whether the root's properties that are not configurable are so at the other side, too. A realm's `var` never is, and the client deletes it all the same. */
  readonly locksRoot: boolean
  /** Whether objects of a class of this side's are written back to. */
  readonly sharesInstances: boolean
  /** Whether a property with a setter of this side's is assigned to. Otherwise it is defined anew. */
  readonly callsSetters: boolean
  /** Getter and setter as functions that cross; undefined if the value crosses instead, as it is now. */
  readonly accessorOf: (owner: object, described: PropertyDescriptor) => AccessorPair | undefined
  /** Whether this object lives on at this side as one of the codec's remote objects. */
  readonly isRemote: (value: object) => boolean
  /** Throws what the codec does if it cannot copy this. */
  readonly tryCopy: (value: object) => void
  readonly makeError: (message: string) => Error
}

export interface AccessorPair {
  readonly get: unknown
  readonly set: unknown
}
