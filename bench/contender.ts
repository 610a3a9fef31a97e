/** One side of a comparison: a module that can do the work, and how to start a process for it. */
export interface Contender {
  readonly name: string
  /** Exports {@link Open} as `open`. */
  readonly module: URL
  /** JSON that `open` gets. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Flags of Node's that the contender's documentation asks for. */
  readonly nodeFlags?: readonly string[]
  /** URL of the `dist/` whose Glovebox it uses. Default: that of this checkout. */
  readonly build?: string
}

export type Open = (settings: Contender['settings']) => Promise<Session>

/** A contender that is ready to work. */
export interface Session extends AsyncDisposable {
  /** Does the row's work once. The answer is the counter after it: 1, 2, 3 and so on. */
  add(): unknown
  /** What the work gives: the same for all contenders of a row. For work that is more than to count. */
  readonly digest?: string
  /** Before each run, with one in flight: what is not measured. */
  rest?(): Promise<void>
  /** Around a slice: starts and ends what goes on beside the work, for nobody else's slice. */
  begin?(): Promise<void>
  end?(): Promise<void>
  /** After a slice: the memory that the row is about, in kilobytes (1,000 bytes). */
  kilobytes?(): Promise<number>
}
