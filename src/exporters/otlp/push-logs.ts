/**
 * Pushes events to an OTLP receiver soon after they occur, without ever keeping its host alive. Nothing runs while there
 * are none. A receiver that is away gets what it missed when it is back, as far as the buffer goes.
 */
import type { Attributes } from '@opentelemetry/api';
import type { EventLoggerProvider } from '../../otel/logger-provider.ts';
import { createDelivery, type DeliveryOptions, type Outcome, type Prepare } from './delivery.ts';
import { encodeLogs, type ScopedRecord } from './encode-logs.ts';
import type { LogPushSettings } from './settings.ts';

/** Records that wait; of more the oldest are lost, since what a receiver wants to know after an outage is how it is now. */
const mostWaiting = 256;
const againAfterSeconds = 30;

export interface LogPushOptions extends Pick<DeliveryOptions, 'say' | 'onSerialised'> {
  readonly settings: LogPushSettings;
  /** Whose they are. */
  readonly resource: Attributes;
  /** Told how many were lost: there was no room for them, or the receiver refused them. */
  readonly onLost?: (count: number) => void;
}

export interface LogPush {
  /** Where to, without credentials. */
  readonly endpoint: string;
  /** Emitting to this pushes. */
  readonly loggerProvider: EventLoggerProvider;
  /** Pushes what waits, keeping the process alive for at most `milliseconds`. Never rejects. */
  flush(milliseconds: number): Promise<void>;
  /** Pushes no more; what waits is lost. */
  stop(): void;
}

export function pushLogs({ settings, resource, say, onSerialised, onLost }: LogPushOptions): LogPush {
  const what = { signal: 'events', parts: 'records' };
  const then = (outcome: Outcome) =>
    outcome === 'refused' ? 'they are lost' : `tried again every ${againAfterSeconds} s`;
  const delivery = createDelivery({ settings, what, then, say, onSerialised });
  let waiting: readonly ScopedRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending = false;
  let stopped = false;

  function add(records: readonly ScopedRecord[]): void {
    const excess = records.length - mostWaiting;
    if (excess > 0) onLost?.(excess);
    waiting = records.slice(-mostWaiting);
  }

  function schedule(milliseconds: number): void {
    if (stopped || waiting.length === 0) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void send((prepare) => delivery.deliver(prepare));
    }, milliseconds).unref();
  }

  async function send(deliver: (prepare: Prepare) => Promise<Outcome>): Promise<void> {
    if (sending) return; // what came meanwhile goes when that is over
    sending = true;
    const records = waiting;
    waiting = [];
    const outcome = await deliver(() => () => encodeLogs(resource, records));
    sending = false;
    if (outcome === 'failed') add([...records, ...waiting]);
    if (outcome === 'refused') onLost?.(records.length);
    schedule(outcome === 'failed' ? againAfterSeconds * 1000 : settings.delay);
  }

  return {
    endpoint: delivery.endpoint,
    loggerProvider: {
      getLogger: (name, version) => ({
        emit(record) {
          if (stopped) return;
          add([...waiting, { record, scope: { name, version }, observedAt: Date.now() }]);
          schedule(settings.delay);
        },
      }),
    },
    async flush(milliseconds) {
      const deadline = performance.now() + milliseconds;
      await delivery.idle(milliseconds);
      const left = deadline - performance.now();
      if (waiting.length > 0 && left > 0) await send((prepare) => delivery.deliverLast(prepare, left));
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      waiting = [];
    },
  };
}
