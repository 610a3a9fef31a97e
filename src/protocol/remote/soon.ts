/** Awaited, it lets what runs now come to its end first. */
export const soon: Promise<void> = (async () => undefined)()
