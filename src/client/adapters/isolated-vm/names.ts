export { type ApplyOptions, Reference } from './reference.ts'
export { IsolateContext as Context, type RunOptions } from './context.ts'
export { Isolate, type IsolateOptions, Script } from './isolate.ts'
export { Callback, type CallbackOptions, ExternalCopy, type TransferOptions } from './transfer.ts'
