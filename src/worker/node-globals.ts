/**
 * Globals of Node's that the worker's code uses, captured before the main realm is emptied. The build replaces each free use of these names
 * by an import of this file (esbuild's `inject`).
 */
const { Buffer, clearTimeout, performance, process, setImmediate, setInterval, setTimeout } = globalThis

export { Buffer, clearTimeout, performance, process, setImmediate, setInterval, setTimeout }
