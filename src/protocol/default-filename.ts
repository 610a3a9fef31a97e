/** Stack frames of a source without a name show this, as with `node:vm`. */
export const DEFAULT_FILENAME = 'evalmachine.<anonymous>'
