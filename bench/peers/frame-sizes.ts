import { clientToWorker, workerToClient } from '../../dist/protocol/channel-link.js'
import { MsgpackWriter } from '../../dist/protocol/msgpack/writer.js'
import { writeValue } from '../../dist/protocol/values/value-encoder.js'
import { COUNTER_SOURCE, DEADLINE_MS } from '../work.ts'

/** Numbers take one to five bytes. Most runs of a benchmark have one in this range. */
const TYPICAL_RUN = 100_000

/** Bytes of the request and of the answer that the library exchanges for one run, headers included. */
export function frameSizes(): { readonly request: number; readonly answer: number } {
  const request = clientToWorker.encode({
    type: 'run',
    run: TYPICAL_RUN,
    context: 1,
    timeoutMs: DEADLINE_MS,
    filename: undefined,
    source: COUNTER_SOURCE,
  })
  const answer = new MsgpackWriter()
  workerToClient.open(answer, { type: 'done', run: TYPICAL_RUN })
  writeValue(answer, TYPICAL_RUN)
  return { request: request.length, answer: answer.position }
}
