/** What a source for the main realm of an attack worker begins with; a name of its own follows, to the end of the line. */
export const MARKER = '//attack:'
