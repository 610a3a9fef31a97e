import ts from '../../tools/typescript5/node_modules/typescript/lib/typescript.js'

const source = Array.from(
  { length: 15 },
  (_, i) => `
export interface Point${i}<T extends number = number> { readonly x: T; y?: T }
enum Kind${i} { None, Some = ${i} + 2, Other }
export abstract class Shape${i}<T> implements Iterable<T> {
  static #count = 0
  protected constructor(private readonly kind: Kind${i}, public at: Point${i} = { x: ${i} }) { Shape${i}.#count++ }
  abstract area(unit: string): number
  *[Symbol.iterator](): Iterator<T> { yield this.at?.x as unknown as T }
  async move({ x, y = 0 }: Point${i}): Promise<this> { await null; this.at = { ...this.at, x: this.at.x + x, y }; return this }
}
`,
).join('')
const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2017 }

/** A module of TypeScript to JavaScript of 2017. */
export function job() {
  return ts.transpileModule(source, { compilerOptions }).outputText
}
