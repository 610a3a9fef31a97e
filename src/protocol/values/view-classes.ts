import { ArrayOf, MapOf, mapSet, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { VIEW_NAMES } from './wire-kinds.ts'

export interface ViewClass {
  /** View type on the wire. */
  readonly type: number
  readonly name: string
  readonly elementSize: number
  readonly construct: new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView
  readonly prototype: object
}

type ViewConstructor = ViewClass['construct'] & { readonly BYTES_PER_ELEMENT?: number; readonly prototype: object }

/** By view type; undefined where this runtime has no such class (Float16Array before Node 24). */
export const viewClasses: (ViewClass | undefined)[] = setPrototypeOf(new ArrayOf<ViewClass | undefined>(), null)
export const viewClassOfName = new MapOf<string, ViewClass>()
export const viewClassOfPrototype = new MapOf<object, ViewClass>()

for (let type = 0; type < VIEW_NAMES.length; type++) {
  const name = VIEW_NAMES[type] as string
  const construct = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name]
  if (construct === undefined) {
    viewClasses[type] = undefined
    continue
  }
  const view: ViewClass = { type, name, elementSize: construct.BYTES_PER_ELEMENT ?? 1, construct, prototype: construct.prototype }
  viewClasses[type] = view
  mapSet(viewClassOfName, name, view)
  mapSet(viewClassOfPrototype, construct.prototype, view)
}
