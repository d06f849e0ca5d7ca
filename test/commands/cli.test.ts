/** The commands, as a person types them: the built program, in a process of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunReport } from '../../instrumentation/run-report.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { DeviceIdentity } from '../../src/backend.ts';
import type { DeviceSnapshot } from '../../src/commands/snapshot.ts';
import { version } from '../../src/version.ts';
import { runNode, startNode } from '../child.ts';
import { lacks } from '../parts.ts';

const accelmeter = (...args: string[]) => runNode(['dist/src/cli.js', ...args]);
const start = (...args: string[]) => startNode(['dist/src/cli.js', ...args]);

const verbs = [
  'run',
  'serve',
  'demo',
  'doctor',
  'devices',
  'snapshot',
  'baseline',
  'compare',
  'dashboards',
  'build-native',
];

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe('arguments', () => {
  it.each([
    [['dem'], /Did you mean demo\?/],
    [['demo', '--prot', '1'], /Did you mean --port\?/],
    [['demo', '--port', '99999'], /number from 0 to 65535/],
    [['demo', '--port', '1.5'], /whole number/],
    [['demo', '--for', 'ever'], /number from/],
    [['run'], /missing required argument 'command'/],
    [['serve', 'extra'], /too many arguments/],
    [['compare', '--for', '0'], /number from 0.01/],
    [['baseline'], /Usage: accelmeter baseline/],
    [['baseline', 'sav'], /Did you mean save\?/],
    [['baseline', 'compare'], /missing required argument 'file'/],
    [['baseline', 'compare', 'x.json', '--threshold', 'ten'], /number from 0/],
    [['baseline', 'save', 'x.json', 'node', '--watch'], /unknown option '--watch'/],
  ])('%j are refused with exit code 2 and a hint', async (args, hint) => {
    const { code, stderr } = await accelmeter(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(hint);
  });

  it('--version is the version of the package', async () => {
    expect(await accelmeter('--version')).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` });
    expect(version).toBe(packageJson.version);
  });

  it('--help names every command', async () => {
    const { code, stdout } = await accelmeter('--help');
    expect(code).toBe(0);
    for (const verb of verbs) expect(stdout).toContain(`  ${verb} `);
  });

  it.each(verbs)('%s --help says what it does, and shows it', async (verb) => {
    const { code, stdout } = await accelmeter(verb, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: accelmeter ${verb} `));
    expect(stdout).toMatch(new RegExp(`^Example:\n  \\$ accelmeter ${verb}\\b`, 'm'));
  });
});

describe('doctor', () => {
  it('says the same as JSON', async () => {
    const { code, stdout } = await accelmeter('doctor', 'cpu', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      version,
      warnings: [],
      backends: [{ name: 'cpu', present: true, sources: [{ name: 'process', up: true }] }],
      devices: [{ backend: 'cpu' }],
      series: { eachKernel: 28, mostOfDevice: 1820 },
    });
  });

  it('says what is seen and what it costs in series', async () => {
    const { code, stdout } = await accelmeter('doctor', 'cpu');
    expect(code).toBe(0);
    expect(stdout).toMatch(/✓ cpu +\d+ threads/);
    expect(stdout).toMatch(/Series: \d+ now; 28 more for each kernel, at most 1820 a device/);
  });

  it('whose reader has seen enough ends without a word', async () => {
    const parent = `const { spawn } = require('node:child_process');
      const stdio = ['ignore', 'pipe', 'inherit'];
      const doctor = spawn(process.execPath, ['dist/src/cli.js', 'doctor', 'cpu'], { stdio });
      doctor.stdout.destroy();
      doctor.on('exit', (code) => { process.exitCode = code; });`;
    expect(await runNode(['-e', parent])).toMatchObject({ code: 0, stderr: '' });
  });

  it('fails for a backend that is not there, with the remedy', async () => {
    const { code, stdout } = await runNode(['dist/src/cli.js', 'doctor', 'opencl'], {
      ACCELMETER_OPENCL_LIBRARY: '/nowhere/libOpenCL.so.1',
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/– opencl/);
    expect(stdout).toMatch(/→ name another file in ACCELMETER_OPENCL_LIBRARY/);
  });

  it('fails for a backend that does not exist', async () => {
    expect(await accelmeter('doctor', 'cuba')).toMatchObject({
      code: 1,
      stderr: 'accelmeter: there is no backend "cuba"; there are cpu, cuda, opencl, metal\n',
    });
  });
});

describe('devices', () => {
  it('lists each with its id, for people and as JSON', async () => {
    const json = await accelmeter('devices', '--json');
    expect(json.code).toBe(0);
    const identities: DeviceIdentity[] = JSON.parse(json.stdout);
    expect(identities[0]).toMatchObject({ backend: 'cpu', type: 'cpu', index: 0 });
    const { stdout } = await accelmeter('devices');
    for (const { name, id } of identities) {
      expect(stdout).toContain(`${name}\n`);
      expect(stdout).toContain(`  ${id}\n`);
    }
  });
});

describe('snapshot', () => {
  it('is one for each device, with its health and what is wrong', async () => {
    const { code, stdout, milliseconds } = await accelmeter('snapshot', '--json', '--for', '1.2');
    expect(code).toBe(0);
    expect(milliseconds).toBeGreaterThan(1200);
    const [cpu]: DeviceSnapshot[] = JSON.parse(stdout);
    expect(cpu).toMatchObject({ backendType: 'cpu', isAvailable: true, totalOperations: 0 });
    expect(cpu).toMatchObject({ findings: [], trends: [], health: { status: 'healthy', issues: [] } });
    expect(cpu?.deviceUtilizationPercent).toBeLessThan(60);
    expect(cpu?.metrics.find(({ name }) => name === 'process.uptime')?.value).toBeGreaterThan(0.9);
  });

  it('is a list for people, in units', async () => {
    const { code, stdout } = await accelmeter('snapshot', '--for', '0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}process\.memory\.usage +[\d.]+ MB$/m);
  });

  it('says what is wrong, and what would help, in the time that it measured', async () => {
    const environment = { ACCELMETER_THRESHOLDS: 'memory_pressure=0.00001', ACCELMETER_BACKENDS: 'cpu' };
    const { stdout } = await runNode(['dist/src/cli.js', 'snapshot', '--for', '2'], environment);
    expect(stdout).toMatch(/^ ! memory_pressure {2}V8's heap is .+ full .+\n {3}→ reduce memory$/m);
    const json = await runNode(['dist/src/cli.js', 'snapshot', '--for', '2', '--json'], environment);
    expect(JSON.parse(json.stdout)).toMatchObject([
      {
        findings: [{ code: 'memory_pressure', state: 'raised' }],
        identifiedBottlenecks: [expect.stringContaining("V8's heap")],
      },
    ]);
  });

  it('says first how a device is', async () => {
    const { stdout } = await accelmeter('snapshot');
    expect(stdout).toMatch(/^cpu .+ {2}healthy, (1\.00|0\.9\d)$/m);
  });
});

describe('dashboards', () => {
  it('are written into a folder, and none is replaced unless that is asked for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const out = join(folder, 'new', 'grafana');
    const file = join(out, 'overview.json');
    expect(await accelmeter('dashboards', '--out', out)).toMatchObject({ code: 0, stdout: `${file}\n` });
    expect(readFileSync(file, 'utf8')).toBe(readFileSync('dashboards/overview.json', 'utf8'));
    writeFileSync(file, 'edited');
    expect(await accelmeter('dashboards', '--out', out)).toMatchObject({
      code: 1,
      stderr: `accelmeter: ${file} is there already; --force replaces it\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('edited');
    expect((await accelmeter('dashboards', '--out', out, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(readFileSync('dashboards/overview.json', 'utf8'));
  });

  it('that cannot be written are a sentence', async () => {
    const { code, stderr } = await accelmeter('dashboards', '--out', 'package.json');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^accelmeter: the dashboards could not be written: .*\n$/);
  });

  it('need to be told where', async () => {
    expect(await accelmeter('dashboards')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--out <folder>'),
    });
  });
});

describe('a busy port', () => {
  it.each([['serve'], ['run']])('fails %s with the name and pid of who has it', async (verb) => {
    const port = await takenPort();
    const { code, stderr } = await accelmeter(verb, '--port', String(port), ...(verb === 'run' ? ['node', '-v'] : []));
    expect(code).toBe(1);
    const by = process.platform === 'linux' ? ` by .+ \\(pid ${process.pid}\\)` : '';
    expect(stderr).toMatch(new RegExp(`^accelmeter: port ${port} is taken${by}; --port sets another\n$`));
  });

  it('makes the demo take the next one, and say so', async () => {
    const port = await takenPort();
    const demo = start('demo', '--port', String(port));
    const [, other] = await demo.said(/; the demo takes (\d+)/);
    expect(Number(other)).toBeGreaterThan(port);
    await demo.said(new RegExp(`http://127.0.0.1:${other}/metrics`));
  });
});

describe('serve', () => {
  it('serves the devices of the machine until SIGTERM, and then ends with 0', async () => {
    const serve = start('serve', '--port', '0');
    const [, url = ''] = await serve.said(/Metrics +(\S+)/);
    expect(await (await fetch(url)).text()).toContain('accelmeter_device_info{');
    serve.kill('SIGTERM');
    expect(await serve.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});

describe('run', () => {
  it('ends as the program does, with its output untouched', async () => {
    const { code, stdout } = await accelmeter(
      'run',
      '--no-serve',
      '--',
      'node',
      '-e',
      'console.log(1); process.exit(5)',
    );
    expect({ code, stdout }).toEqual({ code: 5, stdout: '1\n' });
  });

  it('says that a program computed nothing', async () => {
    const { code, stderr } = await accelmeter('run', '--no-serve', 'node', '-e', '0');
    expect(code).toBe(0);
    expect(stderr).toContain('no kernels were seen');
  });

  it('says that it is switched off in the program', async () => {
    const args = ['dist/src/cli.js', 'run', '--no-serve', 'node', '-e', '0'];
    const { stderr } = await runNode(args, { OTEL_METRICS_EXPORTER: 'none' });
    expect(stderr).toContain('accelmeter: off, OTEL_METRICS_EXPORTER is none\n');
  });

  it('keeps the report and the exit code where the file for it cannot be written', async () => {
    const args = ['run', '--no-serve', '--output', '/nowhere/report.json', 'node', '-e'];
    const { code, stderr } = await accelmeter(...args, 'process.exit(5)');
    expect(code).toBe(5);
    expect(stderr).toContain('no kernels were seen');
    expect(stderr).toMatch(/^accelmeter: the report could not be written: ENOENT.+\n$/m);
    expect((await accelmeter(...args, '0')).code).toBe(1);
  });

  it('is not stopped by the report of a process that is still writing', async () => {
    const program = `const { writeFileSync } = require('node:fs');
      writeFileSync(process.env.ACCELMETER_RUN_REPORT + '/1.json.part', '{"argv":[');
      process.exit(5)`;
    const { code, stderr } = await accelmeter('run', '--no-serve', 'node', '-e', program);
    expect(code).toBe(5);
    expect(stderr).toContain('no kernels were seen');
  });

  it('ends with a second signal a program that does not hear the first', async () => {
    const run = start('run', '--no-serve', 'node', '-e', 'console.log("busy"); for (;;);');
    await run.said(/busy/);
    run.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    run.kill('SIGTERM');
    expect((await run.ended).code).toBe(128 + 9);
  });

  it('leaves no program behind when its terminal goes', async () => {
    const run = start('run', '--no-serve', 'node', '-e', 'console.log(process.pid); setTimeout(() => {}, 30_000)');
    const [pid] = await run.said(/\d+/);
    run.kill('SIGHUP');
    expect((await run.ended).code).toBe(128 + 1);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  it('says that a program could not be run', async () => {
    expect(await accelmeter('run', '--no-serve', 'no-such-program')).toMatchObject({
      code: 1,
      stderr: 'accelmeter: no-such-program could not be run: spawn no-such-program ENOENT\n',
    });
  });

  describe.skipIf(lacks('pocl'))('of a program that computes with OpenCL', () => {
    /** What the program says of itself, and what we say of it. */
    async function account(...args: string[]) {
      const directory = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
      onTestFinished(() => rmSync(directory, { recursive: true }));
      const output = join(directory, 'report.json');
      const result = await accelmeter('run', '--port', '0', '--output', output, '--', 'node', ...args);
      const [report] = JSON.parse(readFileSync(output, 'utf8')) as RunReport[];
      return { ...result, report };
    }

    it('counts each kernel and copy exactly once', async () => {
      const { stdout, stderr, report } = await account('examples/opencl.mjs', '1.5');
      const rounds = Number(/^(\d+) rounds$/m.exec(stdout)?.[1]);
      expect(rounds).toBeGreaterThan(5);
      expect(Object.fromEntries(report?.status.kernels.map(({ kernel, calls }) => [kernel, calls]) ?? [])).toEqual({
        matmul_128: rounds,
        vector_add: 4 * rounds,
      });
      expect(report?.status.transfers.map(({ direction, count, bytes }) => [direction, count, bytes])).toEqual([
        ['host_to_device', 2 * rounds, 2 * rounds * 128 * 128 * 4],
        ['device_to_host', rounds, rounds * 128 * 128 * 4],
      ]);
      expect(stderr).toMatch(/kernel +device +calls +calls\/s +p50 +p95 +p99 +total +busy +failed/);
    });

    it('counts all of a program that is started with register', async () => {
      const { stdout, stderr, report } = await account('--import', 'accelmeter/register', 'examples/opencl.mjs', '1');
      const rounds = Number(/^(\d+) rounds$/m.exec(stdout)?.[1]);
      expect(report?.status.kernels.find(({ kernel }) => kernel === 'matmul_128')?.calls).toBe(rounds);
      expect(stderr).not.toContain('not served');
    });

    it('reports also what is interrupted by a signal', async () => {
      const run = start('run', '--no-serve', '--', 'node', 'examples/opencl.mjs', '60');
      await new Promise((resolve) => setTimeout(resolve, 2500));
      run.kill('SIGTERM');
      const { code, stderr } = await run.ended;
      expect(code).toBe(128 + 15);
      expect(stderr).toContain('matmul_128');
    });
  });
});

describe.skipIf(lacks('pocl'))('demo', () => {
  it('shows CPU and OpenCL kernels, and ends when told', async () => {
    const { code, stdout, stderr } = await accelmeter('demo', '--port', '0', '--for', '4');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/✓ opencl .*kernels traced/);
    for (const kernel of ['matmul_64', 'matmul_128', 'vector_add']) expect(stdout).toContain(kernel);
    expect(stdout).toMatch(/a scrape is \d+ series/);
  });
});
