/** A cluster under `register`: one page for all of its processes. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { onEveryNode, startNode } from '../child.ts';
import { lacks } from '../parts.ts';

/** Ten scrapes a second see each worker: the endpoint's Worker would ask the service for a page once a second. */
const anyPort = { OTEL_EXPORTER_PROMETHEUS_PORT: '0', ACCELMETER_ENDPOINT_WORKER: '0' };

/** Series and values of a page, of the counters and histograms among them or of all. */
function series(page: string, { rising }: { rising: boolean }): Map<string, number> {
  const types = new Map(
    Array.from(page.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [name, type]),
  );
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const all = lines.map(
    (line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))] as const,
  );
  const rises = (name: string) =>
    types.get(name) === 'counter' || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram';
  return new Map(all.filter(([key]) => !rising || rises(/^\w+/.exec(key)?.[0] ?? '')));
}

onEveryNode(({ startNode }) => {
  describe.skipIf(lacks('pocl'))('a cluster whose workers come and go', () => {
    it('is one target: work adds up, no counter falls, and the program’s messages are its own', {
      timeout: 60_000,
    }, async () => {
      const service = startNode(['--import', 'accelmeter/register', 'test/programs/cluster.mjs'], anyPort);
      const [, url] = await service.said(/^accelmeter \d.*?(http:\S+\/metrics)/m);
      const scrape = async () => (await fetch(url ?? '')).text();
      const falls: string[] = [];
      const ends = new Set<number>();
      let before = new Map<string, number>();
      let page = '';
      let scrapes = 0;
      const kernels = () => {
        for (const [key, value] of series(page, { rising: true })) {
          if (/^accelmeter_kernel_duration_seconds_count\{.*"scale"/.test(key)) return value;
        }
        return 0;
      };
      for (
        const until = performance.now() + 30_000;
        performance.now() < until && (kernels() < 500 || scrapes < 20);
        scrapes++
      ) {
        page = await scrape();
        const now = series(page, { rising: true });
        for (const [key, value] of now) {
          const was = before.get(key);
          if (was !== undefined && value < was) falls.push(`${key} fell from ${was} to ${value}`);
        }
        for (const [, pid] of page.matchAll(/^process_uptime_seconds\{process_pid="(\d+)"/gm)) ends.add(Number(pid));
        before = now;
        await pause(100);
      }
      expect(falls).toEqual([]);
      expect(kernels()).toBe(500);
      expect(scrapes).toBeGreaterThanOrEqual(20);
      expect(ends.size).toBe(6); // The primary and five workers, each with its own process metrics while it lives.
      const info = [...series(page, { rising: false }).keys()].filter((key) => /^accelmeter_device_info\{/.test(key));
      expect(info.filter((key) => key.includes('opencl'))).toHaveLength(1);
      expect(info.filter((key) => key.includes('"cpu"') && !key.includes('opencl'))).toHaveLength(1);

      service.kill('SIGTERM');
      const { stdout, stderr } = await service.ended;
      expect(stdout).toBe('primary told done\n'.repeat(5));
      expect(stderr).toMatch(/^accelmeter [^\n]*\n$/); // One line in all: workers are quiet and do not listen.
    });
  });
});

it('a worker whose primary runs without us says so, once, and works', async () => {
  const service = startNode([
    '--input-type=module',
    '-e',
    `import cluster from 'node:cluster';
     cluster.setupPrimary({ exec: 'test/programs/module.mjs', execArgv: ['--import', 'accelmeter/register'] });
     cluster.fork({ ...process.env, ACCELMETER_BACKENDS: 'cpu' });`,
  ]);
  await service.said(/^accelmeter: not served: .*primary runs without accelmeter\/register$/m);
  await service.said(/^42 module\.mjs/m);
});
