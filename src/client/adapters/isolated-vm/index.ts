export * from './names.ts'
/** The same as one object, for code that imports isolated-vm's default export. */
export * as default from './names.ts'
