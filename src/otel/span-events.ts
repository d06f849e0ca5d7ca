/**
 * Findings on the span of the work that they are about: who reads a slow trace sees there what was wrong with the
 * device, without looking for it.
 */
import { type Span, trace } from '@opentelemetry/api';
import type { Finding } from '../analyzer/finding.ts';
import { describe } from './event-records.ts';

/** A span that lives as long as the program would otherwise keep the id of every finding there ever was. */
const mostOnOneSpan = 64;

/** The ids of the findings that a span has. */
const attached = new WeakMap<Span, Set<string>>();

/**
 * Adds to a span, by default the active one, an event for each of these findings that it does not have yet: the event's
 * name and attributes are those of the log record. Without findings, or a span that records, it does nothing. What a
 * span throws is not handed on.
 */
export function attachFindings(findings: readonly Finding[], given?: Span): void {
  if (findings.length === 0) return;
  try {
    const span = given ?? trace.getActiveSpan();
    if (!span?.isRecording()) return;
    const has = attached.get(span) ?? new Set<string>();
    attached.set(span, has);
    for (const finding of findings) {
      if (has.has(finding.id) || has.size >= mostOnOneSpan) continue;
      has.add(finding.id);
      span.addEvent(...describe(finding));
    }
  } catch {
    // The span is the service's, and its work goes on.
  }
}
