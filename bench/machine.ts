import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

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
  readonly versions: Readonly<Record<string, string>>
}

const COMPARED = ['isolated-vm', 'piscina', 'tinypool', 'workerpool', 'vm2', 'quickjs-emscripten', 'isolated-function']

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    load: Number(loadavg()[0]?.toFixed(2)),
    versions: {
      glovebox: versionIn('../package.json'),
      ...Object.fromEntries(COMPARED.map((name) => [name, versionIn(`./node_modules/${name}/package.json`)])),
    },
  }
}

export function machineText({ cpu, cores, memoryGiB, kernel, node, v8, load, versions }: Machine): string {
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}`,
    `Node ${node} (V8 ${v8}); ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `load before: ${load}${load > cores / 4 ? ': the machine is busy, and the figures are noisy' : ''}`,
  ].join('\n')
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { readonly version: string }).version
}
