import type * as Api from '@opentelemetry/api'
import { GloveboxError } from '../../base/error.ts'
import { GuestError, ReportedError } from '../errors.ts'
import type { Tracing } from './tracing.ts'

/** Spans by the API package of the application, from when it registers a provider on; undefined before, since spans of nobody cost as much as a run. */
export function openTelemetry(loaded: unknown): () => Tracing | undefined {
  const api = loaded as typeof Api
  let tracing: Tracing | undefined
  return () => {
    if (tracing === undefined && hasProvider(api)) tracing = tracingBy(api)
    return tracing
  }
}

/** Before there is one, the package gives a proxy that has nobody to pass on to. */
function hasProvider({ trace }: typeof Api): boolean {
  const provider = trace.getTracerProvider() as Partial<Api.ProxyTracerProvider>
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer('glovebox') !== undefined
}

function tracingBy({ trace, context, ROOT_CONTEXT, SpanStatusCode, createContextKey }: typeof Api): Tracing {
  const tracer = trace.getTracer('glovebox')
  /** Where the span of the run is that a request belongs to. Not for what a host function asks in its turn. */
  const RUN = createContextKey('glovebox.run')
  return {
    run: async (about, work) => {
      const outside = context.active()
      const span = tracer.startSpan(
        'glovebox.run',
        {
          attributes: attributes({
            'glovebox.operation': about.operation,
            'glovebox.filename': about.filename,
            'glovebox.function': about.function,
            'glovebox.specifier': about.specifier,
          }),
        },
        outside,
      )
      try {
        const result = await context.with(trace.setSpan(outside, span).setValue(RUN, span), work)
        span.setAttribute('glovebox.outcome', 'ok')
        return result
      } catch (error) {
        const outcome = outcomeOf(error)
        span.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
        span.setAttributes({ 'glovebox.outcome': outcome, 'error.type': outcome, ...reported(error) })
        throw error
      } finally {
        span.end()
      }
    },
    sent: (worker) => {
      const place = context.active()
      const span = place.getValue(RUN) as Api.Span | undefined
      if (span === undefined) return place
      span.setAttribute('glovebox.worker', worker)
      return place.deleteValue(RUN)
    },
    within: (place, work) => context.with((place as Api.Context | undefined) ?? ROOT_CONTEXT, work),
  }
}

/** Nothing that a guest wrote: neither its error's code, which it chooses, nor any message. */
function outcomeOf(error: unknown): string {
  if (error instanceof GuestError) return 'ERR_GUEST'
  // The reason of a signal is the application's, and may be anything.
  return error instanceof GloveboxError ? error.code : 'aborted'
}

function reported(error: unknown): Api.Attributes {
  if (!(error instanceof ReportedError) || error.report === undefined) return {}
  const { worker, phase, limit, configured, observed, cpuMs } = error.report
  return attributes({
    'glovebox.worker': worker === 0 ? undefined : worker,
    'glovebox.phase': phase,
    'glovebox.limit': limit,
    'glovebox.limit.configured': configured,
    'glovebox.limit.observed': observed,
    'glovebox.cpu_ms': cpuMs,
  })
}

function attributes(given: Readonly<Record<string, string | number | undefined>>): Api.Attributes {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
