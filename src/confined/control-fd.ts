/** The descriptor of the link to the daemon, which hands it over: a pipe. */
export const CONTROL_FD = 3
