/** What was to be bundled cannot be: the message shows where. */
export class BundleError extends Error {}
