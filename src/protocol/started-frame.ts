/** The frame of `started` on the worker link, as bytes: whoever sends it has loaded nothing yet that could write one. */
export const STARTED_FRAME = Uint8Array.of(0, 0, 0, 2, 0x91, 7)
