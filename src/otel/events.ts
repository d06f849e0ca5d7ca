/**
 * Findings as OpenTelemetry's events: log records with a name, to the service's LoggerProvider. One when a finding is
 * raised and one when it is cleared, never one at every tick; an idle profiler emits nothing.
 */
import type { Finding } from '../analyzer/finding.ts';
import type { DeviceChange } from '../device-changes.ts';
import { messageOf } from '../errors.ts';
import { version } from '../version.ts';
import { warn } from '../warning.ts';
import { cleared, detected, deviceChanged, issued } from './event-records.ts';
import { type EventLoggerProvider, type EventRecord, globalLoggerProvider } from './logger-provider.ts';

export interface EventBridgeOptions {
  /**
   * Who gets the events: of `@opentelemetry/api` 1.10 or of `@opentelemetry/api-logs`. By default the global one of
   * either, looked up at each event; while there is none, events are lost.
   */
  readonly loggerProvider?: EventLoggerProvider;
}

/** A bridge for events that is attached. */
export interface EventBridge {
  /** Emits no more. Calling it again does nothing. */
  detach(): void;
}

/** What of a profiler is listened to. */
export interface EventSource {
  on(event: 'finding', listener: (finding: Finding) => void): () => void;
  on(event: 'device', listener: (change: DeviceChange) => void): () => void;
  /** Active now. */
  readonly findings: readonly Finding[];
}

/**
 * Emits the findings of a profiler as events, beside `bridgeToApi`, `metricProducer` or alone; docs/METRICS.md lists
 * them. What is active already is emitted at once, with the time it was raised at. Nothing is thrown into the host: a
 * provider that throws is warned of once.
 */
export function bridgeEventsToApi(profiler: EventSource, { loggerProvider }: EventBridgeOptions = {}): EventBridge {
  /** Active findings that were told, by their ids. As many as the analyzer has. */
  const standing = new Map<string, Finding>();
  let warned = false;

  const offs = [profiler.on('finding', tell), profiler.on('device', (change) => emit(deviceChanged(change)))];
  for (const finding of profiler.findings) tell(finding);
  return {
    detach() {
      for (const off of offs.splice(0)) off();
    },
  };

  function tell(finding: Finding): void {
    if (finding.state === 'cleared') {
      standing.delete(finding.id);
      emit(cleared(finding));
    } else if (!standing.has(finding.id)) {
      emit(detected(finding));
      for (const each of finding.recommendations) if (isNew(finding.device, each.code)) emit(issued(finding, each));
      standing.set(finding.id, finding);
    }
  }

  function isNew(device: string, code: string): boolean {
    return ![...standing.values()].some(
      (other) => other.device === device && other.recommendations.some((each) => each.code === code),
    );
  }

  function emit(record: EventRecord): void {
    try {
      (loggerProvider ?? globalLoggerProvider())?.getLogger('accelmeter', version).emit(record);
    } catch (error) {
      if (!warned) warn(`an event is lost, the LoggerProvider threw: ${messageOf(error)}`);
      warned = true;
    }
  }
}
