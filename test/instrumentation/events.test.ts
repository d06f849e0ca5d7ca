/**
 * Events under register: the built package, services whose kernels fail, and whoever gets their logs. A finding takes
 * two ticks of five seconds, so the services of each test run beside each other.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runNode, startNode } from '../child.ts';
import { attributesOf, type Receiver, receive } from '../exporters/otlp/receiver.ts';

const register = ['--import', 'accelmeter/register'];
const program = 'test/programs/failing-kernels.mjs';
const root = join(import.meta.dirname, '../..');

/** Everything by OTLP to this receiver, metrics rarely. */
const otlp = ({ url }: Receiver, more: Record<string, string> = {}) => ({
  ACCELMETER_BACKENDS: 'cpu',
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_SERVICE_NAME: 'embeddings',
  ...more,
});

/** The events that have arrived about the failing kernels, with the process that each is from. */
const eventsAt = ({ arrived }: Receiver) =>
  arrived.flatMap(({ logs }) =>
    logs.resourceLogs.flatMap(({ resource, scopeLogs }) =>
      scopeLogs.flatMap(({ scope, logRecords }) =>
        logRecords.map((record) => ({
          scope: scope.name,
          name: record.eventName,
          severity: record.severityText,
          attributes: attributesOf(record.attributes),
          resource: attributesOf(resource.attributes),
        })),
      ),
    ),
  );

const failing = (receiver: Receiver, name: string) =>
  eventsAt(receiver).filter(
    (event) => event.name === name && event.attributes['accelmeter.bottleneck.code'] === 'failing_operations',
  );

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 100));
}

const detected = 'accelmeter.bottleneck.detected';

it('a service alone has its events pushed, raised and cleared; in a cluster each worker its own', async () => {
  const [alone, clustered] = [await receive(), await receive()];
  const service = startNode([...register, program], otlp(alone, { RECOVERS_AFTER: '12000' }));
  startNode([...register, program], otlp(clustered, { WORKERS: '2' }));
  const [line] = await service.said(/^accelmeter .*$/m);
  expect(line).toContain(`events by OTLP to ${alone.url}/v1/logs`);
  expect(line).not.toContain('/metrics');

  await until(() => failing(alone, detected).length > 0 && failing(clustered, detected).length > 1);
  const [event] = failing(alone, detected);
  expect(event).toMatchObject({ scope: 'accelmeter', severity: 'ERROR' });
  expect(event?.attributes).toMatchObject({
    'accelmeter.backend': 'cpu',
    'accelmeter.bottleneck.observed': '0',
    'accelmeter.bottleneck.recommendations': ['inspect_failures'],
  });
  expect(event?.resource).toMatchObject({ 'service.name': 'embeddings' });
  const processes = new Set(failing(clustered, detected).map(({ resource }) => resource['process.pid']));
  expect(processes.size).toBe(2);
  expect(alone.arrived.filter(({ path }) => path !== '/v1/logs')).toEqual([]);

  await until(() => failing(alone, 'accelmeter.bottleneck.cleared').length > 0);
  const [cleared] = failing(alone, 'accelmeter.bottleneck.cleared');
  expect(cleared?.attributes['accelmeter.finding.id']).toBe(event?.attributes['accelmeter.finding.id']);
}, 120_000);

it.each([
  ['SDK 3', root],
  ['SDK 2', join(root, 'test/services/sdk-2')],
])(
  'a service with %s has the events among its own logs, and they are pushed once',
  async (_, service) => {
    const receiver = await receive();
    const environment = otlp(receiver, { SERVICE: service, OTEL_TRACES_EXPORTER: 'none' });
    const child = startNode([...register, '--import', './test/programs/node-sdk.mjs', program], environment);
    const [line] = await child.said(/^accelmeter .*$/m);
    expect(line).toContain('events go to the LoggerProvider of the service');
    await until(() => failing(receiver, detected).length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // ours would have come by now
    expect(failing(receiver, detected)).toHaveLength(1);
    const agents = receiver.arrived
      .filter(({ path }) => path === '/v1/logs')
      .map(({ headers }) => headers['user-agent']);
    expect(agents.filter((agent) => agent?.startsWith('accelmeter/'))).toEqual([]);
  },
  60_000,
);

it('a job that ends by itself has pushed its last events, and one without events is not held', async () => {
  const [late, silent] = [await receive(), createServer(() => {})];
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const nobody = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const [job, quiet] = await Promise.all([
    runNode([...register, program], otlp(late, { LASTS: '17000', OTEL_BLRP_SCHEDULE_DELAY: '600000' })),
    runNode([...register, '-e', 'setTimeout(() => {}, 700)'], {
      ...otlp(late),
      OTEL_EXPORTER_OTLP_ENDPOINT: nobody,
    }),
  ]);
  expect([job.code, quiet.code]).toEqual([0, 0]);
  expect(failing(late, detected)).toHaveLength(1);
  expect(quiet.milliseconds).toBeLessThan(1600);
}, 60_000);

it.each([
  [{ OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: '' }, /^$/],
  [{ OTEL_LOGS_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /off .*grpc/],
  [{ OTEL_LOGS_EXPORTER: 'console', OTEL_EXPORTER_PROMETHEUS_PORT: '0' }, /OTEL_LOGS_EXPORTER=console is not known/],
])('with %o: stderr is %s', async (environment, stderr) => {
  const { code, stderr: said } = await runNode([...register, '-e', 'setTimeout(() => {}, 1000)'], {
    ACCELMETER_BACKENDS: 'cpu',
    ...environment,
  });
  expect(code).toBe(0);
  expect(said).toMatch(stderr);
});
