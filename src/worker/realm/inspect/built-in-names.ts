/** Whether a class of this name is one that the language puts in the global object. */
export function isGlobalName(name: string): boolean {
  switch (name) {
    case 'AggregateError':
    case 'Array':
    case 'ArrayBuffer':
    case 'AsyncDisposableStack':
    case 'BigInt':
    case 'BigInt64Array':
    case 'BigUint64Array':
    case 'Boolean':
    case 'DataView':
    case 'Date':
    case 'DisposableStack':
    case 'Error':
    case 'EvalError':
    case 'FinalizationRegistry':
    case 'Float16Array':
    case 'Float32Array':
    case 'Float64Array':
    case 'Function':
    case 'Int16Array':
    case 'Int32Array':
    case 'Int8Array':
    case 'Iterator':
    case 'Map':
    case 'Number':
    case 'Object':
    case 'Promise':
    case 'RangeError':
    case 'ReferenceError':
    case 'RegExp':
    case 'Set':
    case 'SharedArrayBuffer':
    case 'String':
    case 'SuppressedError':
    case 'Symbol':
    case 'SyntaxError':
    case 'TypeError':
    case 'URIError':
    case 'Uint16Array':
    case 'Uint32Array':
    case 'Uint8Array':
    case 'Uint8ClampedArray':
    case 'WeakMap':
    case 'WeakRef':
    case 'WeakSet':
      return true
    default:
      return false
  }
}
