import { connect } from '../../dist/client/index.js'

export type Box = Awaited<ReturnType<typeof connect>>

/** A connection to a daemon of this build, which this process embeds. */
export async function embedded(): Promise<Box> {
  const box = await connect()
  const { daemon } = await box.status()
  if (daemon.uptimeMs <= process.uptime() * 1_000) return box
  await box.dispose()
  throw new Error(`a daemon of this machine answered at ${daemon.socket}: stop it, so that the one of this build is measured`)
}
