/** The command was not called as it must be. The message says what to do instead. */
export class UsageError extends Error {}
