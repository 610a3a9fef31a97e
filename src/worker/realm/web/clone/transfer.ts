import { bufferDetached, mapForEach, MapOf, mapGet, mapSet, method } from '../../../../protocol/msgpack/intrinsics.ts'
import { isArrayBuffer } from '../../../../protocol/values/buffer-encoder.ts'
import { Cloner } from './cloner.ts'
import { dataCloneError } from '../dom-error.ts'
import { makeView, type ViewShape } from './view-shape.ts'

const transfer = method(ArrayBuffer.prototype, 'transfer') as (buffer: object) => ArrayBuffer

/** Clones what is around the buffers of a transfer list: they and their views stand for themselves. */
class Surroundings extends Cloner {
  readonly views = new MapOf<object, ViewShape>()

  protected override view(view: object, shape: ViewShape): object {
    if (mapGet(this.memory, shape.buffer) !== shape.buffer) return super.view(view, shape)
    mapSet(this.memory, view, view)
    mapSet(this.views, view, shape)
    return view
  }
}

/**
 * A clone that moves buffers, https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer.
 * They are detached only when all of the value has been read, so it is cloned twice; the second time reads nothing of the guest's.
 */
export function cloneWithTransfer(value: unknown, list: readonly object[]): unknown {
  const surroundings = new Surroundings()
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as object
    if (!isArrayBuffer(item)) throw dataCloneError('The transfer list contains an object that is not transferable.')
    if (mapGet(surroundings.memory, item) !== undefined) throw dataCloneError('The transfer list contains an ArrayBuffer twice.')
    mapSet(surroundings.memory, item, item)
  }
  const copy = surroundings.clone(value)
  const moved = new Cloner()
  for (let i = 0; i < list.length; i++) {
    const buffer = list[i] as object
    if (bufferDetached(buffer)) throw dataCloneError('A detached ArrayBuffer could not be transferred.')
    mapSet(moved.memory, buffer, transfer(buffer))
  }
  mapForEach(surroundings.views, (shape, view) => {
    const { buffer } = shape as ViewShape
    mapSet(moved.memory, view as object, makeView(shape as ViewShape, mapGet(moved.memory, buffer) as ArrayBuffer))
  })
  return moved.clone(copy)
}
