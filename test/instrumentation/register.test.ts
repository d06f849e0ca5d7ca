/** `node --import accelmeter/register`, as a service meets it: the built package, in a process of its own. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { onEveryNode } from '../child.ts';
import { lacks } from '../parts.ts';

const register = ['--import', 'accelmeter/register'];
const anyPort = { OTEL_EXPORTER_PROMETHEUS_PORT: '0' };
const served = /(http:\/\/127\.0\.0\.1:\d+)\/metrics/;
const aliveForAMinute = ['-e', 'setTimeout(() => {}, 60_000)'];

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/** A server of somebody else. */
async function listening(): Promise<{ port: number }> {
  const other = createServer();
  closings.push(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return other.address() as { port: number };
}

const scrape = async (url: string) => (await fetch(`${url}/metrics`)).text();
const value = (page: string, series: RegExp) => {
  const line = page.split('\n').find((candidate) => series.test(candidate));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
};

onEveryNode(({ startNode, runNode, major }) => {
  describe('a service', () => {
    it('is served, and one line on stderr says where and what is seen', async () => {
      const service = startNode([...register, ...aliveForAMinute], anyPort);
      const [line, url] = await service.said(/^accelmeter .*?(http:\/\/127\.0\.0\.1:\d+)\/metrics.*✓ cpu .*$/m);
      expect(line).toContain('opencl');
      const page = await scrape(url ?? '');
      expect(value(page, /^accelmeter_source_up\{accelmeter_source="process"\}/)).toBe(1);
      expect(value(page, /^process_uptime_seconds /)).toBeGreaterThan(0);
      expect(value(page, /^accelmeter_build_info\{/)).toBe(1);
      expect(page).not.toContain('otel_scope');
      expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    });

    it('names itself by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES', async () => {
      const service = startNode([...register, ...aliveForAMinute], {
        ...anyPort,
        OTEL_SERVICE_NAME: 'embeddings',
        OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2,deployment.environment.name=a%20b',
      });
      const page = await scrape((await service.said(served))[1] ?? '');
      expect(page).toMatch(/^target_info\{.*deployment_environment_name="a b".*service_name="embeddings"/m);
      expect(page).toMatch(/service_version="1.2"/);
    });

    it('still ends when it has nothing more to do, as soon as without us', async () => {
      const program = ['-e', 'setTimeout(() => console.log("done"), 1500)'];
      const plain = await runNode(program);
      const measured = await runNode([...register, ...program], anyPort);
      expect(measured).toMatchObject({ code: 0, stdout: plain.stdout });
      expect(measured.stderr).toMatch(served);
      expect(measured.milliseconds - plain.milliseconds).toBeLessThan(1500);
    });

    it('that ends at once is not held and says nothing', async () => {
      const { code, stdout, stderr } = await runNode([...register, '-e', 'console.log(1)'], anyPort);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1\n', stderr: '' });
    });

    it.each([
      ['an exit code', 'process.exit(7)', 7],
      ['an uncaught exception', 'setTimeout(() => { throw new Error("mine") }, 600)', 1],
    ])('keeps %s', async (_, program, code) => {
      expect((await runNode([...register, '-e', program], anyPort)).code).toBe(code);
    });

    it('dies of SIGTERM as it would without us', async () => {
      const service = startNode([...register, ...aliveForAMinute], anyPort);
      await service.said(served);
      service.kill('SIGTERM');
      expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    });

    it('finds no global provider set, no listener added and no handle held by us', async () => {
      const program = `setTimeout(async () => {
      const { metrics } = await import('@opentelemetry/api');
      console.log(JSON.stringify({
        provider: metrics.getMeterProvider().constructor.name,
        listeners: ['exit', 'SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection', 'warning'].map((name) => process.listenerCount(name)),
      }));
    }, 2500)`;
      const [plain, measured] = await Promise.all([
        runNode(['--input-type=module', '-e', program]),
        runNode([...register, '--input-type=module', '-e', program], anyPort),
      ]);
      expect(measured.stderr).toMatch(served);
      expect(JSON.parse(measured.stdout)).toEqual(JSON.parse(plain.stdout));
    });

    it('whose stderr nobody reads runs on', async () => {
      const service = `setTimeout(() => console.log('fine'), 2500)`;
      const parent = `const { spawn } = require('node:child_process');
        const args = ${JSON.stringify([...register, '-e', service])};
        spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'] }).stderr.destroy();`;
      expect(await runNode(['-e', parent], anyPort)).toMatchObject({ stdout: 'fine\n' });
    });

    it('whose port is taken runs on, and the line says so', async () => {
      const { port } = await listening();
      const result = await runNode([...register, '-e', 'setTimeout(() => console.log("fine"), 2500)'], {
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
      });
      expect(result).toMatchObject({ code: 0, stdout: 'fine\n' });
      expect(result.stderr).toContain(`port ${port} is taken`);
    });
  });

  describe('switched off', () => {
    it.each([[{ ACCELMETER_DISABLED: '1' }], [{ OTEL_SDK_DISABLED: 'true' }], [{ OTEL_METRICS_EXPORTER: 'none' }]])(
      'by %o the host is as if we were not there',
      async (environment) => {
        const program = 'setTimeout(() => console.log(process.env.OPENCL_LAYERS, process.env.ACCELMETER_PID), 700)';
        expect(await runNode([...register, '-e', program], environment)).toMatchObject({
          code: 0,
          stdout: 'undefined undefined\n',
          stderr: '',
        });
      },
    );

    it('an unknown exporter is said, and nothing is served', async () => {
      const result = await runNode([...register, '-e', 'setTimeout(() => {}, 500)'], {
        OTEL_METRICS_EXPORTER: 'zipkin',
      });
      expect(result.stderr).toBe(
        'accelmeter: off, OTEL_METRICS_EXPORTER=zipkin is not known here, prometheus, otlp and none are\n',
      );
    });

    it('a backend that does not exist is said, and all are measured', async () => {
      const program = 'console.log(process.env.OPENCL_LAYERS); setTimeout(() => {}, 60_000)';
      const service = startNode([...register, '-e', program], { ...anyPort, ACCELMETER_BACKENDS: 'opencll' });
      await service.said(/accelmeter-opencl-layer/);
      await service.said(/no backend is called "opencll"/);
    });

    it('ACCELMETER_BACKENDS=cpu leaves the OpenCL environment alone', async () => {
      const program = 'setTimeout(() => console.log(process.env.OPENCL_LAYERS), 700)';
      const result = await runNode([...register, '-e', program], { ...anyPort, ACCELMETER_BACKENDS: 'cpu' });
      expect(result.stdout).toBe('undefined\n');
      expect(result.stderr).not.toContain('opencl');
    });
  });

  describe('a program', () => {
    it.each([
      ['an ES module', ['--import', 'accelmeter/register'], 'module.mjs'],
      ['a CommonJS module', ['--import', 'accelmeter/register'], 'module.cjs'],
      ['TypeScript by type stripping', ['--import', 'accelmeter/register'], 'module.ts'],
      ['a CommonJS module under --require', ['--require', 'accelmeter/register'], 'module.cjs'],
      ['an ES module under --require', ['--require', 'accelmeter/register'], 'module.mjs'],
    ])('that is %s is measured, and behaves as without us', async (_, preload, file) => {
      const stripping = major === 22 && file.endsWith('.ts') ? ['--experimental-strip-types', '--no-warnings'] : [];
      const program = [...stripping, `test/programs/${file}`];
      const [plain, measured] = await Promise.all([runNode(program), runNode([...preload, ...program], anyPort)]);
      expect(measured).toMatchObject({ code: 0, stdout: plain.stdout });
      expect(measured.stdout).toMatch(/^42 /);
      expect(measured.stderr).toMatch(/^accelmeter .*\n$/);
      expect(measured.stderr).toMatch(served);
    });

    it('that npm starts is measured, and npm is not', async () => {
      const { code, stderr } = await runNode(['test/programs/npm-cli.js'], {
        NODE_OPTIONS: register.join(' '),
        ...anyPort,
      });
      expect(code).toBe(0);
      expect(stderr.match(served)).not.toBeNull();
      expect(stderr.match(/accelmeter \d/g)).toHaveLength(1);
    });
  });

  describe('a child process', () => {
    const inChild = (how: string) => `const { spawnSync } = require('node:child_process');
    const { status, stdout, stderr } = spawnSync(${how}, { encoding: 'utf8' });
    process.stdout.write(JSON.stringify({ status, stdout, stderr }));
    setTimeout(() => {}, 1500);`;
    const child = (measured: { stdout: string }) =>
      JSON.parse(measured.stdout) as { status: number; stdout: string; stderr: string };

    it('of another language runs as without us', async () => {
      const program = inChild(`'sh', ['-c', 'echo fine; exit 3']`);
      const measured = await runNode([...register, '-e', program], anyPort);
      expect(child(measured)).toEqual({ status: 3, stdout: 'fine\n', stderr: '' });
      expect(measured.stderr).toMatch(served);
    });

    it('of Node without us runs as without us', async () => {
      const program = inChild(`process.execPath, ['-e', 'setTimeout(() => console.log("fine"), 1500)']`);
      const measured = await runNode([...register, '-e', program], anyPort);
      expect(child(measured)).toEqual({ status: 0, stdout: 'fine\n', stderr: '' });
    });

    it('of Node that inherits NODE_OPTIONS is measured for itself, and its port is not fought over', async () => {
      const { port } = await listening();
      for (const close of closings.splice(0)) close();
      const environment = { NODE_OPTIONS: register.join(' '), OTEL_EXPORTER_PROMETHEUS_PORT: String(port) };
      const late = `const { execFile } = require('node:child_process');
      setTimeout(() => execFile(process.execPath, ['-e', 'setTimeout(() => console.log("fine"), 1500)'], (_, stdout, stderr) =>
        process.stdout.write(JSON.stringify({ status: 0, stdout, stderr }))), 600);`;
      const measured = await runNode(['-e', late], environment);
      expect(measured.stderr).toContain(`http://127.0.0.1:${port}/metrics`);
      expect(child(measured)).toMatchObject({
        stdout: 'fine\n',
        stderr: expect.stringContaining(`port ${port} is taken`),
      });
    });
  });

  describe('a Worker', () => {
    it('is left alone', async () => {
      const program = `const { Worker } = require('node:worker_threads');
      new Worker("require('node:worker_threads').parentPort.postMessage(1)", { eval: true }).on('message', () => setTimeout(() => {}, 1500));`;
      const { code, stderr } = await runNode([...register, '-e', program], anyPort);
      expect(code).toBe(0);
      expect(stderr.match(/accelmeter/g)).toHaveLength(1);
    });
  });

  it('a profiler in a Worker measures there, and calls no native library', async () => {
    const { code, stdout } = await runNode(['test/programs/profiler-worker.mjs']);
    const [told = '', end] = stdout.split('\n');
    expect(JSON.parse(told)).toEqual({
      devices: ['cpu'],
      absent: [
        { backend: 'cuda', kind: 'absent' },
        { backend: 'opencl', kind: 'unsupported', remedy: 'create the profiler on the main thread' },
      ],
      koffi: false,
      totalOperations: 1,
    });
    expect({ code, end }).toEqual({ code: 0, end: 'worker ended with 0' });
  });

  describe.skipIf(lacks('pocl'))('a program that knows nothing of us and computes with OpenCL', () => {
    it('has each kernel and copy counted exactly once while it runs', async () => {
      const program = startNode([...register, 'examples/opencl.mjs', '3'], anyPort);
      const [, url = ''] = await program.said(served);
      const deadline = performance.now() + 2500;
      let page = '';
      while (!/_kernel_duration_seconds_count\{.*matmul_128/.test(page) && performance.now() < deadline) {
        page = await scrape(url);
      }
      const count = (what: string) => value(page, new RegExp(`^accelmeter_${what}`)) ?? Number.NaN;
      const rounds = count('kernel_duration_seconds_count\\{.*matmul_128');
      expect(rounds).toBeGreaterThan(0);
      const within = (what: string, perRound: number) => {
        // The page may fall into the middle of a round.
        expect(count(what) - perRound * rounds, what).toBeGreaterThanOrEqual(-perRound);
        expect(count(what) - perRound * rounds, what).toBeLessThanOrEqual(perRound);
      };
      within('kernel_duration_seconds_count\\{.*vector_add', 4);
      within('transfer_duration_seconds_count\\{.*host_to_device', 2);
      within('transfer_duration_seconds_count\\{.*device_to_host', 1);
      expect(count('records_dropped_total\\{accelmeter_source="opencl_layer"')).toBe(0);
      expect(count('source_up\\{accelmeter_source="opencl_layer"')).toBe(1);
      expect((await program.ended).stdout).toMatch(/^\d+ rounds\n$/);
    });

    it('in a Worker, has its kernels counted', async () => {
      const program = startNode([...register, 'test/programs/opencl-worker.mjs'], anyPort);
      const [, url = ''] = await program.said(served);
      await program.said(/launched/);
      const page = await scrape(url);
      expect(value(page, /^accelmeter_kernel_duration_seconds_count\{.*"scale"/)).toBe(100);
    });
  });
});
