import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { embedded } from './peers/embedded.ts'

/** What a reader must know to judge the figures. Does not name the host. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly v8: string
  /** Of the last minute, before the measurement. Anything near the number of cores means noise. */
  readonly load: number
  /** Of confinement, which a worker of this machine attested. */
  readonly layers: readonly string[]
  readonly versions: Readonly<Record<string, string>>
}

const COMPARED = ['isolated-vm', 'piscina', 'tinypool', 'workerpool', 'vm2', 'quickjs-emscripten', 'isolated-function']

export async function describeMachine(): Promise<Machine> {
  const load = Number(loadavg()[0]?.toFixed(2))
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // What stands behind the number names who built it.
    kernel: `${type()} ${release().split('-')[0]}`,
    node: process.version,
    v8: process.versions.v8,
    load,
    layers: await attestedLayers(),
    versions: {
      glovebox: versionIn('../package.json'),
      ...Object.fromEntries(COMPARED.map((name) => [name, versionIn(`./node_modules/${name}/package.json`)])),
    },
  }
}

export function machineText(machine: Machine): string {
  const { load, cores } = machine
  return `${describedText(machine)}\nload before: ${load}${load > cores / 4 ? ': the machine is busy, and the figures are noisy' : ''}`
}

/** What stays the same from one measurement to the next. */
export function describedText({ cpu, cores, memoryGiB, kernel, node, v8, layers, versions }: Machine): string {
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}; layers of confinement: ${layers.join(', ')}`,
    `Node ${node} (V8 ${v8}); ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
  ].join('\n')
}

async function attestedLayers(): Promise<readonly string[]> {
  const box = await embedded()
  try {
    await box.run('0')
    const { confinement } = await box.status()
    // A layer has several parts.
    const failed = new Set(confinement.layers.filter(({ held }) => !held).map(({ layer }) => layer))
    return [...new Set(confinement.layers.map(({ layer }) => layer))].filter((layer) => !failed.has(layer)).sort()
  } finally {
    await box.dispose()
  }
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { readonly version: string }).version
}
