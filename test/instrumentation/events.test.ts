/**
 * Events under register: the built package, services whose kernels fail, and whoever gets their logs. A finding takes
 * two ticks of five seconds, so the services run beside each other.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runNode, startNode } from '../child.ts';
import { attributesOf, type Receiver, receive } from '../exporters/otlp/receiver.ts';

const register = ['--import', 'accelmeter/register'];
const program = 'test/programs/failing-kernels.mjs';
const root = join(import.meta.dirname, '../..');

/** Events by OTLP to this receiver, and no metrics. */
const otlp = ({ url }: Receiver, more: Record<string, string> = {}) => ({
  ACCELMETER_BACKENDS: 'cpu',
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_SERVICE_NAME: 'embeddings',
  ...more,
});

/** The events that have arrived, each with whose it is. */
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

/** Those that say that kernels fail. */
const failing = (receiver: Receiver) =>
  eventsAt(receiver).filter(
    ({ name, attributes }) =>
      name === 'accelmeter.bottleneck.detected' && attributes['accelmeter.bottleneck.code'] === 'failing_operations',
  );

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 100));
}

it('services of every kind have their events where they belong', async () => {
  await Promise.all([
    aServiceIsPushed(),
    eachWorkerOfAClusterIsPushed(),
    aServiceWithAnSdkHasThemAmongItsOwn(root),
    aServiceWithAnSdkHasThemAmongItsOwn(join(root, 'test/services/sdk-2')),
    aJobIsPushedAtItsEnd(),
  ]);
}, 60_000);

async function aServiceIsPushed(): Promise<void> {
  const receiver = await receive();
  const service = startNode([...register, program], otlp(receiver));
  const [line] = await service.said(/^accelmeter .*$/m);
  expect(line).toContain(`events by OTLP to ${receiver.url}/v1/logs`);
  expect(line).not.toContain('/metrics');
  await until(() => failing(receiver).length > 0);
  const [event] = failing(receiver);
  expect(event).toMatchObject({ scope: 'accelmeter', severity: 'ERROR', resource: { 'service.name': 'embeddings' } });
  expect(event?.attributes).toMatchObject({
    'accelmeter.backend': 'cpu',
    'accelmeter.bottleneck.observed': '0',
    'accelmeter.bottleneck.recommendations': ['inspect_failures'],
  });
  expect(receiver.arrived.filter(({ path }) => path !== '/v1/logs')).toEqual([]);
}

async function eachWorkerOfAClusterIsPushed(): Promise<void> {
  const receiver = await receive();
  startNode([...register, program], otlp(receiver, { WORKERS: '2' }));
  await until(() => failing(receiver).length > 1);
  expect(new Set(failing(receiver).map(({ resource }) => resource['process.pid'])).size).toBe(2);
}

/** The SDK reads `OTEL_LOGS_EXPORTER` as well: what arrives came from it. */
async function aServiceWithAnSdkHasThemAmongItsOwn(service: string): Promise<void> {
  const receiver = await receive();
  const environment = otlp(receiver, { SERVICE: service, OTEL_TRACES_EXPORTER: 'none' });
  const child = startNode([...register, '--import', './test/programs/node-sdk.mjs', program], environment);
  const [line] = await child.said(/^accelmeter .*$/m);
  expect(line).toContain('events go to the LoggerProvider of the service');
  await until(() => failing(receiver).length > 0);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // ours would have come by now
  expect(failing(receiver)).toHaveLength(1);
  const agents = receiver.arrived.map(({ headers }) => headers['user-agent'] ?? '');
  expect(agents.filter((agent) => agent.startsWith('accelmeter/'))).toEqual([]);
}

async function aJobIsPushedAtItsEnd(): Promise<void> {
  const receiver = await receive();
  const environment = otlp(receiver, { LASTS: '14000', OTEL_BLRP_SCHEDULE_DELAY: '600000' });
  const { code } = await runNode([...register, program], environment);
  expect(code).toBe(0);
  expect(failing(receiver)).toHaveLength(1);
}

it('a job without events is not held by a receiver that does not answer', async () => {
  const receiver = await receive(() => undefined);
  const { code, milliseconds } = await runNode(
    [...register, '-e', 'setTimeout(() => {}, 700)'],
    otlp(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '60000' }),
  );
  expect(code).toBe(0);
  expect(milliseconds).toBeLessThan(1600);
});

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
