import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type LogPush, pushLogs } from '../../../src/exporters/otlp/push-logs.ts';
import { readLogSettings } from '../../../src/exporters/otlp/settings.ts';
import { bridgeEventsToApi } from '../../../src/otel/events.ts';
import { finding, over, type Telling, telling } from '../../otel/findings.ts';
import { attributesOf, logsPartialSuccess, type Receiver, receive, recordsOf } from './receiver.ts';

interface Pushing {
  readonly push: LogPush;
  readonly profiler: Telling;
  readonly said: string[];
  lost(): number;
}

/** Events of a profiler pushed as the environment says, soon; it is stopped when the test ends. */
function pushTo({ url }: Pick<Receiver, 'url'>, environment: Record<string, string> = {}): Pushing {
  const said: string[] = [];
  let lost = 0;
  const settings = readLogSettings(
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BLRP_SCHEDULE_DELAY: '20', ...environment },
    (problem) => said.push(problem),
  );
  const push = pushLogs({
    settings,
    resource: { 'service.name': 'embeddings' },
    say: (line) => said.push(line),
    onLost: (count) => {
      lost += count;
    },
  });
  onTestFinished(() => push.stop());
  const profiler = telling();
  bridgeEventsToApi(profiler, push);
  return { push, profiler, said, lost: () => lost };
}

/** A finding that recommends nothing, so that it is one record. */
const quiet = (sentence = 'one') => finding({ sentence, recommendations: [] });
const bodies = ({ arrived }: Receiver) =>
  arrived.map(({ logs }) => recordsOf(logs).map(({ body }) => body.stringValue as string));

describe('an event', () => {
  it('arrives soon, with those that come meanwhile', async () => {
    const receiver = await receive();
    const { profiler } = pushTo(receiver);
    const raised = quiet();
    profiler.tell(raised);
    profiler.tell(over(raised));
    await receiver.has(1);
    const [{ logs, path, headers } = {}] = receiver.arrived;
    expect(path).toBe('/v1/logs');
    expect(headers?.['content-type']).toBe('application/x-protobuf');
    expect(recordsOf(logs).map(({ eventName, severityText }) => [eventName, severityText])).toEqual([
      ['accelmeter.bottleneck.detected', 'WARN'],
      ['accelmeter.bottleneck.cleared', 'INFO'],
    ]);
    const [resource] = logs?.resourceLogs ?? [];
    expect(attributesOf(resource?.resource.attributes)).toEqual({ 'service.name': 'embeddings' });
    expect(resource?.scopeLogs[0]?.scope.name).toBe('accelmeter');
  });

  it('that comes later is a push of its own; without events there is none', async () => {
    const receiver = await receive();
    const { profiler, push } = pushTo(receiver);
    profiler.tell(quiet('one'));
    await receiver.has(1);
    profiler.tell(quiet('two'));
    await receiver.has(2);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await push.flush(1000);
    expect(bodies(receiver)).toEqual([['one'], ['two']]);
  });

  it('that waits is pushed at a flush', async () => {
    const receiver = await receive();
    const { profiler, push } = pushTo(receiver, { OTEL_BLRP_SCHEDULE_DELAY: '60000' });
    profiler.tell(quiet());
    await push.flush(1000);
    expect(bodies(receiver)).toEqual([['one']]);
  });

  it('that comes during a push goes with the next, also where a flush waits for both', async () => {
    const receiver = await receive((index) => (index === 0 ? { status: 503, headers: { 'retry-after': '0.05' } } : ok));
    const { profiler, push } = pushTo(receiver);
    profiler.tell(quiet('one'));
    await receiver.has(1);
    profiler.tell(quiet('two'));
    await push.flush(2000);
    expect(bodies(receiver)).toEqual([['one'], ['one'], ['two']]);
  });

  it('after the push was stopped is not pushed, nor what waited', async () => {
    const receiver = await receive();
    const { profiler, push } = pushTo(receiver);
    profiler.tell(quiet());
    push.stop();
    profiler.tell(quiet());
    await push.flush(100);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(receiver.arrived).toEqual([]);
  });
});

const ok = { status: 200 };

describe('a receiver that', () => {
  it('is away gets what it missed when it is back, and both are said once', async () => {
    let up = false;
    const receiver = await receive(() => (up ? ok : { status: 503 }));
    const { profiler, push, said, lost } = pushTo(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    profiler.tell(quiet('one'));
    await push.flush(300);
    profiler.tell(quiet('two'));
    await push.flush(300);
    up = true;
    await push.flush(1000);
    expect(bodies(receiver).at(-1)).toEqual(['one', 'two']);
    expect(said).toEqual([
      `OTLP ${receiver.url}/v1/logs does not take events: HTTP 503; tried again every 30 s`,
      `OTLP ${receiver.url}/v1/logs takes events again`,
    ]);
    expect(lost()).toBe(0);
  });

  it('is asked again by itself after half a minute', async () => {
    let up = false;
    const receiver = await receive(() => (up ? ok : { status: 503 }));
    const { profiler } = pushTo(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '50' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    profiler.tell(quiet());
    await vi.advanceTimersByTimeAsync(20);
    await receiver.has(1);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    up = true;
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(30_000);
      expect(receiver.arrived).toHaveLength(2);
    });
    expect(bodies(receiver)).toEqual([['one'], ['one']]);
  });

  it('stays away costs 256 records at most: the oldest are lost, and counted', async () => {
    const { profiler, push, lost } = pushTo({ url: 'http://127.0.0.1:9' }, { OTEL_BLRP_SCHEDULE_DELAY: '60000' });
    for (let i = 0; i < 300; i++) profiler.tell(quiet(String(i)));
    expect(lost()).toBe(44);
    await push.flush(50);
    for (let i = 300; i < 310; i++) profiler.tell(quiet(String(i)));
    expect(lost()).toBe(54);
  });

  it.each([400, 413])('answers %i has refused them: they are lost and counted, and the next go on', async (status) => {
    const receiver = await receive((index) => (index === 0 ? { status } : ok));
    const { profiler, push, said, lost } = pushTo(receiver);
    profiler.tell(quiet('one'));
    await push.flush(1000);
    profiler.tell(quiet('two'));
    await push.flush(1000);
    expect(bodies(receiver)).toEqual([['one'], ['two']]);
    expect(lost()).toBe(1);
    expect(said[0]).toMatch(`does not take events: HTTP ${status}; they are lost`);
  });

  it('refuses some has its reason told', async () => {
    const receiver = await receive(() => ({ status: 200, body: logsPartialSuccess(1, 'too old') }));
    const { profiler, push, said } = pushTo(receiver);
    profiler.tell(quiet());
    await push.flush(1000);
    expect(said).toEqual([`OTLP ${receiver.url}/v1/logs refused 1 records: too old`]);
  });
});
