import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guide } from '../../docs/guide.ts';
import { hopper, machine, replacing, stubNvml, writeScenario } from '../backends/nvml-scenario.ts';
import { lacks } from '../parts.ts';
import { end, type PrometheusServer, type Series, startPrometheus } from './prometheus-server.ts';
import { interpolate, type QueryVariable, resolveVariables } from './variables.ts';

const root = join(import.meta.dirname, '../..');

/** The parts of a dashboard file that matter here. */
interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly templating: { readonly list: readonly (QueryVariable & { readonly type: string })[] };
}
interface Target {
  readonly expr: string;
  readonly instant?: boolean;
}

const overview = JSON.parse(readFileSync(join(root, 'dashboards/overview.json'), 'utf8')) as Dashboard;
const variables = overview.templating.list.filter(({ type }) => type === 'query');
const panels = overview.panels.flatMap(({ title, targets }) => (targets ? [{ title, targets }] : []));
/** Only machines that limit the memory of their processes have these. */
const limited = /accelmeter_container_memory_/;
/** What Grafana would fit to a scrape a second. */
const windows = { __rate_interval: '5s', __range: '60s' };
/** Scrapes after the first readings and the first closed interval, so that every rate has its samples. */
const scrapes = 10;

/** With a GPU that is a stub of NVML, so that the panels of GPUs have what they draw. */
describe.skipIf(lacks('pocl', 'cc', 'prometheus'))('the demo, scraped by a real Prometheus', () => {
  let demo: ChildProcess;
  let metrics = '';
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    ({ demo, metrics } = await startDemo());
    prometheus = await startPrometheus([new URL(metrics).host]);
    await until(async () => {
      const [scraped] = await prometheus.query('count_over_time(up[1m])');
      return (scraped?.values[0] ?? 0) >= scrapes;
    });
  }, 40_000);
  afterAll(async () => {
    await prometheus?.close();
    if (demo) await end(demo);
  });

  test('is scraped without an error, in a sane number of series', async () => {
    expect(await prometheus.targets()).toEqual([expect.objectContaining({ health: 'up', lastError: '' })]);
    const [samples] = await prometheus.query('scrape_samples_scraped');
    expect(samples?.values[0]).toBeGreaterThan(100);
    expect(samples?.values[0]).toBeLessThan(1000);
  });

  test('exports only names of the golden list, and target_info', async () => {
    const golden = readFileSync(join(root, 'test/metric-names.golden.txt'), 'utf8').split('\n');
    const known = new Set(golden.map((line) => line.split(' ')[0]));
    const page = await (await fetch(metrics)).text();
    const names = page.split('\n').flatMap((line) => /^[a-z]\w*/.exec(line)?.[0] ?? []);
    expect([...new Set(names)].filter((name) => !known.has(name))).toEqual(['target_info']);
  });

  test('gives every variable something to choose, devices by their names', async () => {
    const { offered } = await resolveVariables(variables, prometheus);
    const texts = (name: string) => offered.get(name)?.map(({ text }) => text);
    expect(texts('job')).toEqual(['demo']);
    expect(texts('instance')).toEqual([new URL(metrics).host]);
    expect(texts('backend')?.sort()).toEqual(['cpu', 'cuda', 'opencl']);
    expect(texts('kernel')).toEqual(expect.arrayContaining([expect.stringMatching(/^matmul_/), 'vector_add']));
    for (const { text, value } of offered.get('device') ?? []) expect(text, value).toMatch(/\w{3}/);
    expect(offered.get('device')).toHaveLength(3);
  });

  test.each(panels)('fills the panel "$title"', async ({ targets }) => {
    const { atAll } = await resolveVariables(variables, prometheus);
    for (const { expr, instant } of targets) {
      const expression = interpolate(expr, { ...atAll, ...windows });
      const series = instant ? await prometheus.query(expression) : await prometheus.queryRange(expression, 5);
      if (!limited.test(expr)) expect(finite(series), expression).not.toEqual([]);
      for (const value of finite(series)) expect(value, expression).toBeGreaterThanOrEqual(0);
    }
  });

  test('shows the GPU as its driver told it: health, link, limits and fan', async () => {
    const { atAll } = await resolveVariables(variables, prometheus);
    const shown = async (title: string) => {
      const targets = panels.find((panel) => panel.title === title)?.targets ?? [];
      const asked = targets.map(({ expr }) => prometheus.query(interpolate(expr, { ...atAll, ...windows })));
      return (await Promise.all(asked)).map((series) => finite(series).sort((a, b) => a - b));
    };
    const health = {
      state: 0,
      asksFor: 0,
      replaced: 2,
      waits: 0,
      failed: 0,
      xid: 13,
      generation: [5, 5],
      lanes: [8, 16],
    };
    expect(await shown('GPU health')).toEqual(
      Object.values(health)
        .flat()
        .map((value) => [value]),
    );
    expect(await shown('PCIe link')).toEqual([[0.5], [0]]);
    expect(await shown('GPU temperature')).toEqual([[45, 52], [85, 93], [0.33]]);
  });

  test('shows the kernels of the unchanged OpenCL program as slow and as frequent as they are', async () => {
    const rate = (part: string, kernel: string) => {
      const chosen = `accelmeter_backend="opencl",accelmeter_kernel_name=~"${kernel}"`;
      return `sum(rate(accelmeter_kernel_duration_seconds_${part}{${chosen}}[5s]))`;
    };
    const one = async (expression: string) => (await prometheus.query(expression))[0]?.values[0];
    const ratio = await one(`${rate('count', 'vector_add')} / ${rate('count', 'matmul_.*')}`);
    expect(ratio, 'four additions for each product').toBeCloseTo(4, 0);
    const mean = await one(`${rate('sum', 'matmul_.*')} / ${rate('count', 'matmul_.*')}`);
    expect(mean).toBeGreaterThan(1e-5);
    expect(mean).toBeLessThan(1);
  });

  const fields = Object.entries(guide).flatMap(([type, rows]) =>
    rows.filter(({ rare }) => !rare).map(({ field, promql }) => ({ name: `${type}.${field}`, promql: soon(promql) })),
  );
  test.each(fields)('has $name of the profiling guide', async ({ promql }) => {
    expect(finite(await prometheus.query(promql)), promql).not.toEqual([]);
  });
});

/** What is of minutes for people is of seconds here. */
const soon = (promql: string) => promql.replaceAll('1m', '4s');

const finite = (series: readonly Series[]) => series.flatMap(({ values }) => values.filter(Number.isFinite));

/**
 * Its memory corrects an error now and then and had rows replaced, a program did what XID 13 stands for, half of its
 * lanes have no contact, and it has a fan: a GPU that is well and cooled by its server has nothing to show of these.
 */
const ailing = [
  'field@0,3 0 u64:2+1',
  'field@0,142 0 u32:2',
  'event@0 13',
  'nvmlDeviceGetCurrPcieLinkWidth@0 0 u32:8',
  'nvmlDeviceGetFanSpeed@0 0 u32:33',
].reduce(replacing, hopper);

/** Starts the demo, and gives it once it has said where its metrics are. */
async function startDemo(): Promise<{ demo: ChildProcess; metrics: string }> {
  const demo = spawn(process.execPath, [join(root, 'dist/src/cli.js'), 'demo', '--port', '0', '--for', '60'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NO_COLOR: '1',
      ACCELMETER_NVML_LIBRARY: stubNvml(),
      ACCELMETER_STUB_NVML: writeScenario(machine([ailing])),
    },
  });
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  demo.stdout.on('data', read);
  demo.stderr.on('data', read);
  const address = () => /Metrics\s+(http:\/\/\S+\/metrics)/.exec(output)?.[1];
  await until(async () => address() !== undefined || demo.exitCode !== null);
  const metrics = address();
  if (metrics === undefined) throw new Error(`the demo ended with ${demo.exitCode}:\n${output}`);
  return { demo, metrics };
}

/** Looks four times a second, for at most 30 s. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt++) {
    if (await condition()) return;
    await sleep(250);
  }
  throw new Error('did not happen within 30 s');
}
