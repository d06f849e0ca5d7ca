/** In which trace the program is at this moment. */
import { isSpanContextValid, type SpanContext, TraceFlags, trace } from '@opentelemetry/api';

/**
 * The context of the active span, where that is sampled: only then can somebody look at it later. About 25 ns. What a
 * tracer throws is not handed on.
 */
export function sampledSpan(): SpanContext | undefined {
  try {
    const context = trace.getActiveSpan()?.spanContext();
    if (context === undefined || (context.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    return isSpanContextValid(context) ? context : undefined;
  } catch {
    return undefined;
  }
}
