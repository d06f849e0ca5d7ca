/** `OTEL_METRICS_EXPORTER=otlp` under register: the built package, in a process of its own, and a receiver. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { onEveryNode, runNode, startNode } from '../child.ts';
import { metricsOf, receive } from '../exporters/otlp/receiver.ts';
import { lacks } from '../parts.ts';

const register = ['--import', 'accelmeter/register'];
const otlp = (url: string) => ({
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_METRIC_EXPORT_INTERVAL: '100',
});
const aliveForAMinute = ['-e', 'setTimeout(() => {}, 60_000)'];
const aliveForASecond = ['-e', 'setTimeout(() => console.log("done"), 1000)'];

/** Where connecting takes for ever: a port whose queue of connections is full. Its owner never accepts one. */
async function deaf(): Promise<string> {
  const program = `
    const { Server, connect } = require('node:net');
    const block = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    const server = new Server();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      const { port } = server.address();
      for (let i = 0; i < 8; i++) connect(port, '127.0.0.1');
      console.log('port', port);
      process.nextTick(() => process.nextTick(block)); // when they are under way, and before one is accepted
    });`;
  const [, port] = await startNode(['-e', program]).said(/port (\d+)/);
  return `http://127.0.0.1:${port}`;
}

/** Takes connections and says nothing. */
async function silent(): Promise<string> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe('a service with OTEL_METRICS_EXPORTER=otlp', () => {
  it('is pushed, says where to, and opens no port', async () => {
    const receiver = await receive();
    const service = startNode([...register, ...aliveForAMinute], {
      ...otlp(receiver.url),
      OTEL_SERVICE_NAME: 'embeddings',
    });
    const [line] = await service.said(/^accelmeter .*$/m);
    expect(line).toContain(`OTLP to ${receiver.url}/v1/metrics`);
    expect(line).not.toContain('/metrics  http');
    expect(line.match(/http:/g)).toHaveLength(1);
    await receiver.has(2);
    const [resource] = receiver.arrived[0]?.request.resourceMetrics ?? [];
    expect(resource?.resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'embeddings' } });
    expect(metricsOf(receiver.arrived[1]?.request).map(({ name }) => name)).toContain('process.uptime');
  });

  it('and prometheus beside it is pushed and scraped', async () => {
    const receiver = await receive();
    const service = startNode([...register, ...aliveForAMinute], {
      ...otlp(receiver.url),
      OTEL_METRICS_EXPORTER: 'prometheus,otlp',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
    });
    const [, url] = await service.said(/(http:\/\/127\.0\.0\.1:\d+\/metrics) {2}OTLP to/);
    expect(await (await fetch(url ?? '')).text()).toContain('process_uptime_seconds');
    await receiver.has(1);
  });

  it.each([
    ['nobody listens', async () => 'http://127.0.0.1:9'],
    ['nobody answers', silent],
    ['no connection comes about', deaf],
  ])('ends soon where %s, and that is said once', async (_, endpoint) => {
    const plain = await runNode(aliveForASecond);
    const measured = await runNode([...register, ...aliveForASecond], otlp(await endpoint()));
    expect(measured).toMatchObject({ code: 0, stdout: 'done\n' });
    // The connection under way can hold it for a second, and the last push for another.
    expect(measured.milliseconds - plain.milliseconds).toBeLessThan(3000);
    expect(measured.stderr.match(/does not take metrics/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it('says once that nobody takes its metrics', async () => {
    const environment = { ...otlp('http://127.0.0.1:9'), OTEL_EXPORTER_OTLP_TIMEOUT: '50' };
    const { code, stderr } = await runNode([...register, '-e', 'setTimeout(() => {}, 1500)'], environment);
    expect(code).toBe(0);
    expect(stderr.match(/does not take metrics: connect ECONNREFUSED/g)).toHaveLength(1);
    expect(stderr).not.toContain('Unhandled');
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /^accelmeter \S+ {2}off {2}OTLP over grpc is not supported, only http\/protobuf is\n$/,
    ],
    [
      { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' },
      /^accelmeter \S+ {2}off {2}OTLP over http\/json is not supported/,
    ],
  ])('with %o is off, in one line', async (environment, line) => {
    const ended = await runNode([...register, ...aliveForASecond], { ...otlp('http://127.0.0.1:9'), ...environment });
    expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: expect.stringMatching(line) });
  });
});

onEveryNode(({ runNode: run }) => {
  const hourly = (url: string) => ({ ...otlp(url), OTEL_METRIC_EXPORT_INTERVAL: '3600000' });

  it('a job that ends by itself is pushed once more, with its exit code and all that it said', async () => {
    const receiver = await receive();
    const job = ['-e', 'setTimeout(() => { console.log("done"); process.exitCode = 3; }, 700)'];
    expect(await run([...register, ...job], hourly(receiver.url))).toMatchObject({ code: 3, stdout: 'done\n' });
    expect(receiver.arrived).toHaveLength(1);
    expect(metricsOf(receiver.arrived[0]?.request).map(({ name }) => name)).toContain('process.uptime');
  });

  it('a job that ends itself is not held, and one whose receiver is silent is held for a second', async () => {
    const [exits, waits] = await Promise.all([
      run([...register, '-e', 'setTimeout(() => process.exit(4), 700)'], hourly(await silent())),
      run([...register, '-e', ''], hourly(await silent())),
    ]);
    expect(exits.code).toBe(4);
    expect(exits.milliseconds).toBeLessThan(1500);
    expect(waits.code).toBe(0);
    expect(waits.milliseconds).toBeGreaterThan(900);
    expect(waits.milliseconds).toBeLessThan(2500);
  });

  it.skipIf(lacks('pocl'))('a job that is over before it is measured has its kernels pushed', async () => {
    const receiver = await receive();
    const ended = await run([...register, 'test/programs/opencl-job.mjs'], hourly(receiver.url));
    expect(ended).toMatchObject({ code: 3, stdout: 'done\n' });
    const durations = metricsOf(receiver.arrived.at(-1)?.request).find(
      ({ name }) => name === 'accelmeter.kernel.duration',
    );
    expect(durations?.histogram?.dataPoints.map(({ count }) => count)).toEqual(['100']);
  });
});
