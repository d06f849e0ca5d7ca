/**
 * Where the events of this process go: the LoggerProvider that the service has registered when an event occurs, with
 * either of OpenTelemetry's APIs for logs; else the OTLP receiver that was asked for.
 */
import type { LogPush } from '../src/exporters/otlp/push-logs.ts';
import { bridgeEventsToApi } from '../src/otel/events.ts';
import { type EventLoggerProvider, globalLoggerProvider } from '../src/otel/logger-provider.ts';
import { processResource } from '../src/otel/resource.ts';
import type { OpenedProfiler, ProfilerState } from '../src/profiler.ts';
import type { On } from './switches.ts';

export interface EventOutlet {
  /** For the line on stderr; `undefined` where nobody gets them yet. */
  readonly where: string | undefined;
  /** Gives the receiver what it does not have yet, in so many milliseconds at most. Never rejects. */
  flush(milliseconds: number): Promise<void>;
}

/** Emits from now on. `say` is told of outages later, `warn` of what is odd about the environment. */
export async function startEvents(
  { profiler, state }: OpenedProfiler,
  { events }: On,
  tell: { readonly say: (line: string) => void; readonly warn: (problem: string) => void },
): Promise<EventOutlet | undefined> {
  if (events === 'none') return undefined;
  const push = events === 'otlp' ? await openPush(state, tell) : undefined;
  const receiver = (): EventLoggerProvider | undefined => globalLoggerProvider() ?? push?.loggerProvider;
  bridgeEventsToApi(profiler, {
    loggerProvider: {
      getLogger: (name, version) => ({ emit: (record) => receiver()?.getLogger(name, version).emit(record) }),
    },
  });
  const pushed = push && `events by OTLP to ${push.endpoint}`;
  return {
    where: globalLoggerProvider() ? 'events go to the LoggerProvider of the service' : pushed,
    flush: async (milliseconds) => push?.flush(milliseconds),
  };
}

/** Loaded only where it is asked for. `undefined` for settings that cannot be followed. */
async function openPush(
  state: ProfilerState,
  { say, warn }: Parameters<typeof startEvents>[2],
): Promise<LogPush | undefined> {
  const { readLogSettings } = await import('../src/exporters/otlp/settings.ts');
  const { pushLogs } = await import('../src/exporters/otlp/push-logs.ts');
  try {
    const settings = readLogSettings(process.env, warn);
    const resource = processResource(process.env, state.service).attributes;
    state.eventsLost = 0;
    return pushLogs({
      settings,
      resource,
      say,
      onSerialised: (seconds) => state.selfTime.add('serialise', seconds),
      onLost: (count) => {
        state.eventsLost = (state.eventsLost ?? 0) + count;
      },
    });
  } catch (error) {
    warn((error as Error).message);
    return undefined;
  }
}
