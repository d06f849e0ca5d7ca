/** A service with an exporter on a free port of the loopback, and raw requests to it. */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { onTestFinished } from 'vitest';
import { type ExporterConfig, PrometheusExporter } from '../../../src/exporters/prometheus/exporter.ts';

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Listens until the test ends. */
export async function serve(config: ExporterConfig = {}) {
  const exporter = new PrometheusExporter({ port: 0, preventServerStart: true, ...config });
  const meters = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    readers: [exporter],
  });
  await exporter.startServer();
  onTestFinished(() => exporter.stopServer());
  const port = exporter.port ?? 0;
  return {
    exporter,
    meters,
    meter: meters.getMeter('shop'),
    port,
    get: (path: string, options = {}) => ask(port, path, options),
  };
}

/** One request, on a connection of its own where it is given no agent. */
export function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; host?: string; agent?: Agent } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      response.on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

/** What is answered to bytes that need not be HTTP. */
export function speak(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
    socket.on('end', () => socket.end());
  });
}

/** Resolves after some milliseconds. */
export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
