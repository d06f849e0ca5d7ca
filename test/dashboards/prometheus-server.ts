/** A real Prometheus for a test: scrapes its targets every second, is asked over HTTP, and is gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requirePart } from '../parts.ts';

/** One series of an answer; an instant query gives it one sample. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

export interface PrometheusServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** What an expression is now. */
  query(expression: string): Promise<Series[]>;
  /** What it was over the last `seconds`, once a second. */
  queryRange(expression: string, seconds: number): Promise<Series[]>;
  /** The label sets of the series that a selector has. */
  series(selector: string): Promise<Readonly<Record<string, string>>[]>;
  /** The targets that it scrapes, and what went wrong with the last scrape of each. */
  targets(): Promise<{ readonly health: string; readonly lastError: string }[]>;
  close(): Promise<void>;
}

export interface PrometheusServerOptions {
  /** `prometheus3` for one of at least 3.5. */
  readonly part?: 'prometheus' | 'prometheus3';
  readonly flags?: readonly string[];
  /** Further settings of the job that scrapes. */
  readonly job?: Readonly<Record<string, unknown>>;
}

/** Starts one that scrapes these addresses (`127.0.0.1:1234`) as the job `demo`. */
export async function startPrometheus(
  addresses: readonly string[],
  { part = 'prometheus', flags = [], job: settings = {} }: PrometheusServerOptions = {},
): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  const job = { job_name: 'demo', static_configs: [{ targets: addresses }], ...settings };
  writeFileSync(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: [job] })); // JSON is YAML
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    requirePart(part).path,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const api = (path: string, parameters: Readonly<Record<string, string>> = {}) =>
    ask(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  await ready(`http://${address}/-/ready`, child).catch(async (error) => {
    await close();
    throw error;
  });

  return {
    url: `http://${address}`,
    async query(expression) {
      const { result } = (await api('query', { query: expression })) as Answer;
      return result.map(({ metric, value }) => ({ labels: metric, values: value ? [Number(value[1])] : [] }));
    },
    async queryRange(expression, seconds) {
      const end = Date.now() / 1000;
      const range = { start: String(end - seconds), end: String(end), step: '1' };
      const { result } = (await api('query_range', { query: expression, ...range })) as Answer;
      return result.map(({ metric, values = [] }) => ({ labels: metric, values: values.map(([, v]) => Number(v)) }));
    },
    series: (selector) => api('series', { 'match[]': selector }) as Promise<Record<string, string>[]>,
    async targets() {
      return ((await api('targets')) as { activeTargets: { health: string; lastError: string }[] }).activeTargets;
    },
    close,
  };
}

/** `data` of an answer to a query. */
interface Answer {
  readonly result: readonly {
    readonly metric: Record<string, string>;
    readonly value?: readonly [number, string];
    readonly values?: readonly (readonly [number, string])[];
  }[];
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url);
  const answer = (await response.json()) as { status: string; data: unknown; error?: string };
  if (answer.status !== 'success') throw new Error(`${answer.error} in ${decodeURIComponent(url)}`);
  return answer.data;
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
  throw new Error('prometheus is not ready after 10 s');
}

/** Ends a process and waits until it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** A port nobody listens on: Prometheus does not say which it took when asked for any. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
