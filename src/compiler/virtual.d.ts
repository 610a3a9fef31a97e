/** What piscina starts its threads with. Provided by the build: the package does not export it. */
declare module 'virtual:piscina-thread'
