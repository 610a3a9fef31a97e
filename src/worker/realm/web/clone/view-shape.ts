import {
  bufferResizable,
  dataViewBuffer,
  dataViewByteLength,
  dataViewOffset,
  mapGet,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayLength,
  typedArrayOffset,
} from '../../../../protocol/msgpack/intrinsics.ts'
import { viewName } from '../../../../protocol/values/brand.ts'
import { isArrayBuffer, isOutside, isTracking } from '../../../../protocol/values/buffer-encoder.ts'
import { type ViewClass, viewClassOfName } from '../../../../protocol/values/view-classes.ts'
import { dataCloneError } from '../dom-error.ts'

/** What makes a view of a buffer: enough for another one on another buffer. */
export interface ViewShape {
  readonly class: ViewClass
  readonly buffer: ArrayBuffer
  readonly offset: number
  /** undefined: as long as the buffer. */
  readonly length: number | undefined
}

/** The shape of a view, whatever its subclass. Throws a DataCloneError if it lies outside of its buffer. */
export function shapeOf(view: object): ViewShape {
  const name = viewName(view)
  const viewClass = name === undefined ? undefined : mapGet(viewClassOfName, name)
  if (viewClass === undefined) throw outside()
  const isDataView = viewClass.type === 0
  const buffer = isDataView ? dataViewBuffer(view) : typedArrayBuffer(view)
  if (!isArrayBuffer(buffer)) throw dataCloneError('A view of a SharedArrayBuffer could not be cloned.')
  const offset = isDataView ? dataViewOffset(view) : typedArrayOffset(view)
  const size = isDataView ? dataViewByteLength(view) : typedArrayByteLength(view)
  const length = isDataView ? size : typedArrayLength(view)
  if (!isDataView && isOutside(view, length)) throw outside()
  const tracks = bufferResizable(buffer) && isTracking(view, isDataView, buffer, offset, size, viewClass.elementSize)
  return { class: viewClass, buffer, offset, length: tracks ? undefined : length }
}

export const makeView = (shape: ViewShape, buffer: ArrayBuffer): object => new shape.class.construct(buffer, shape.offset, shape.length)

const outside = (): Error => dataCloneError('A view that is detached or lies outside of its buffer could not be cloned.')
