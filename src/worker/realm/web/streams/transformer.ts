import type { Transformer } from 'web-streams-polyfill'

/** Turns chunks one by one into text or bytes, and what is left at the end into a last piece. Empty pieces are left out. */
export function transformer<Piece extends { readonly length: number }>(
  next: (chunk: unknown) => Piece,
  rest: () => Piece,
): Transformer<unknown, Piece> {
  return {
    // @ts-expect-error without a prototype: a guest's Object.prototype must not add to it
    __proto__: null,
    transform(chunk, controller) {
      const piece = next(chunk)
      if (piece.length > 0) controller.enqueue(piece)
    },
    flush(controller) {
      const piece = rest()
      if (piece.length > 0) controller.enqueue(piece)
    },
  }
}
