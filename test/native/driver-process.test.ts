/** The process that calls drivers, over the stub of NVML: what it answers, and how it ends. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildNative } from '../../scripts/build-native.mjs';
import { type DriverProcess, notCalled, startDriverProcess, talkTo } from '../../src/native/driver-process.ts';
import { prebuiltDriverProcess } from '../../src/native/prebuilt.ts';
import { start } from '../../src/native/quick-spawn.ts';
import { hopper, machine, stubNvml, writeScenario } from '../backends/nvml-scenario.ts';
import { lacks } from '../parts.ts';
import { scratchFolder } from './compile.ts';

const root = new URL('../..', import.meta.url).pathname;
const calls = [
  ['nvmlDeviceGetCount_v2'],
  ['nvmlNoSuchCall', 'nvmlInit_v2'],
  ['nvmlNoSuchCall'],
  ['nvmlSystemGetDriverVersion'],
];

describe.skipIf(lacks('cc'))('the process that calls drivers', () => {
  let library: string;
  beforeAll(async () => {
    await buildNative({ root });
    library = stubNvml();
  });

  function begin(faults: readonly string[] = []): DriverProcess {
    const driver = startDriverProcess({
      ...process.env,
      ACCELMETER_STUB_NVML: writeScenario(machine([hopper], faults)),
    });
    onTestFinished(() => driver.end());
    return driver;
  }

  it('opens the first library that there is, and says which symbol it has for each call', async () => {
    const opened = await begin().open(['libnosuch.so.1', '/nowhere/lib.so', library], calls);
    expect(opened).toMatchObject({ library, symbols: [0, 1, undefined, 0] });
  });

  it('makes the calls of a program as often as it is asked, and leaves out what needs one that failed', async () => {
    const driver = begin();
    await driver.open([library], calls);
    driver.load(7, [
      { function: 0, arguments: [{ address: 64 }], offset: 64, length: 4 },
      { function: 2, arguments: [], offset: 72, length: 0, neededBy: 1 },
      { function: 0, arguments: [{ address: 80 }], offset: 80, length: 4 },
      { function: 3, arguments: [{ address: 88 }, 16], offset: 88, length: 16, filler: 0x5a },
    ]);
    for (let round = 0; round < 3; round += 1) {
      const results = await driver.run(7);
      expect(results.map(({ code }) => code)).toEqual([0, notCalled, notCalled, 0]);
      expect(results[0]?.output.readUInt32LE()).toBe(1);
      expect(results[3]?.output.toString('latin1')).toBe('580.65.06\0ZZZZZZ');
    }
  });

  it('says where it is while a call hangs', async () => {
    const driver = begin(['hang nvmlSystemGetDriverVersion 20']);
    await driver.open([library], calls);
    driver.load(0, [
      { function: 0, arguments: [{ address: 0 }], offset: 0, length: 4 },
      { function: 3, arguments: [{ address: 8 }, 80], offset: 8, length: 80 },
    ]);
    const ended = driver.run(0).catch((error) => error);
    await sleep(100);
    expect(await driver.where()).toMatchObject({ call: 1 });
    expect((await driver.where()).seconds).toBeGreaterThan(0.05);
    driver.end();
    expect(await ended).toMatchObject({ kind: 'lost', message: 'the process that calls the driver crashed (SIGKILL)' });
    await expect(driver.run(0)).rejects.toMatchObject({ kind: 'lost' });
  });

  it('that crashes or aborts is told by its signal, with its last words', async () => {
    for (const [fault, how] of [
      ['crash nvmlInit_v2', /^crashed \(SIGSEGV\)$/],
      ['abort nvmlInit_v2', /^crashed \(SIGABRT\): nvml: assertion failed$/],
    ] as const) {
      const driver = begin([fault]);
      await driver.open([library], calls);
      driver.load(0, [{ function: 1, arguments: [], offset: 0, length: 0 }]);
      await expect(driver.run(0)).rejects.toMatchObject({ kind: 'lost' });
      expect(await driver.ended).toMatch(how);
    }
  });

  it('ends when its service does, whatever it is at, and not by the signals that a terminal sends to both', async () => {
    const program = `
      const { startDriverProcess } = await import('./src/native/driver-process.ts');
      const driver = startDriverProcess();
      driver.keepAlive(true);
      await driver.open([${JSON.stringify(library)}], [['nvmlInit_v2']]);
      driver.load(0, [{ function: 0, arguments: [], offset: 0, length: 0 }]);
      driver.run(0).catch(() => {});
      const { readFileSync } = await import('node:fs');
      const pid = Number(readFileSync('/proc/thread-self/children', 'utf8'));
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(pid, signal);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await driver.where();
      console.log(pid);
      process.exit();`;
    const scenario = writeScenario(machine([hopper], ['hang nvmlInit_v2 30']));
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ACCELMETER_STUB_NVML: scenario },
      timeout: 10_000,
    });
    const pid = Number(stdout);
    expect(pid, stderr).toBeGreaterThan(0);
    for (let look = 0; look < 50 && isAlive(pid); look += 1) await sleep(20);
    expect(isAlive(pid)).toBe(false);
  });

  it('has nothing of the service’s open, and leaves no zombie', async () => {
    const driver = begin();
    await driver.open([library], calls);
    const [pid = 0] = readFileSync('/proc/thread-self/children', 'utf8').trim().split(' ').map(Number).reverse();
    const files = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2);
    expect(files).toEqual(['3']); // where it answers, apart from where libraries print
    const linkOf = (file: number) => readlinkSync(`/proc/${pid}/fd/${file}`);
    expect([linkOf(3), linkOf(1)]).toEqual([linkOf(0), linkOf(2)]);
    driver.end();
    await driver.ended;
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('that cannot be started has ended', async () => {
    const file = join(mkdtempSync(join(scratchFolder(), 'x')), 'program');
    expect(await start(file, {}).ended).toBe('could not be started: ENOENT');
    writeFileSync(file, 'no program', { mode: 0o644 });
    expect(await start(file, {}).ended).toBe('could not be started: EACCES');
  });

  it('that no files are left for has ended, leaves none open, and can be started once there are some', () => {
    const program = `
      const { closeSync, openSync, readdirSync } = await import('node:fs');
      const { startDriverProcess } = await import('./src/native/driver-process.ts');
      const before = process.argv[1] === 'before';
      if (before) {
        const first = startDriverProcess(); // its C library is there before the files run out
        first.keepAlive(true);
        first.end();
        await first.ended;
      }
      const said = [];
      const held = [];
      for (let i = 0; i < 100; i += 1) try { held.push(openSync('/dev/null')); } catch { break; }
      for (let free = 0; free < 4; free += 1) {
        const driver = startDriverProcess();
        said.push([await driver.ended, driver.hasBegun]);
        closeSync(held.pop());
      }
      while (held.length > 0) closeSync(held.pop());
      const open = readdirSync('/proc/self/fd').length;
      const last = startDriverProcess();
      last.keepAlive(true);
      const where = await last.where();
      last.end();
      await last.ended;
      await new Promise((resolve) => setTimeout(resolve, 20));
      console.log(JSON.stringify({ said, where, left: readdirSync('/proc/self/fd').length - open }));`;
    for (const when of ['before', 'never']) {
      const line = 'ulimit -n 60; exec "$0" --input-type=module -e "$1" "$2"';
      const { stdout, stderr, status } = spawnSync('bash', ['-c', line, process.execPath, program, when], {
        cwd: root,
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      const { said, where, left }: { said: [string, boolean][]; where: object; left: number } = JSON.parse(stdout);
      expect(said.length).toBe(4);
      for (const [how, hasBegun] of said) {
        expect(how).toMatch(/^could not be started: (no sockets for it|spawn .* EMFILE)/);
        expect(hasBegun).toBe(false);
      }
      expect(where).toEqual({ seconds: 0 });
      expect(left).toBeLessThanOrEqual(0);
    }
  });

  it('reads the answers of a library that prints', async () => {
    const driver = begin(['print nvmlInit_v2']);
    await driver.open([library], calls);
    driver.load(0, [{ function: 1, arguments: [], offset: 0, length: 0 }]);
    expect(await driver.run(0)).toMatchObject([{ code: 0 }]);
    driver.end();
    expect(await driver.ended).toBe('crashed (SIGKILL): nvml: printed');
  });

  it('that says what is no answer is ended at once', async () => {
    const file = join(mkdtempSync(join(scratchFolder(), 'x')), 'program');
    writeFileSync(file, '#!/bin/sh\necho this is no frame of ours\nexec sleep 20\n', { mode: 0o755 });
    const driver = talkTo(start(file, { PATH: '/usr/bin:/bin' }));
    driver.keepAlive(true);
    await expect(driver.run(0)).rejects.toMatchObject({ message: /said what is no answer, and was ended/ });
  });

  it('that crashed is seen to have, though a child of the library’s keeps its pipes open', async () => {
    const driver = begin(['fork nvmlInit_v2', 'crash nvmlSystemGetDriverVersion']);
    await driver.open([library], calls);
    driver.load(0, [
      { function: 1, arguments: [], offset: 0, length: 0 },
      { function: 3, arguments: [{ address: 8 }, 80], offset: 8, length: 80 },
    ]);
    const lost = expect(driver.run(0)).rejects.toMatchObject({ message: /crashed \(SIGSEGV\)/ });
    await sleep(200);
    await expect(driver.where()).rejects.toMatchObject({ message: /crashed \(SIGSEGV\)/ });
    await lost;
  });

  it('is not confused by what no service of ours would say', () => {
    const file = prebuiltDriverProcess() ?? '';
    const frame = (kind: number, ...words: number[]) =>
      Buffer.from(Uint32Array.from([words.length * 4, kind, ...words]).buffer);
    for (const input of [
      frame(9),
      frame(3, 5),
      frame(2, 400),
      Buffer.concat([frame(2, 0, 77, 0, 0, 8, 0, 0, 0), frame(3, 0)]),
      Buffer.from(Uint32Array.from([0xffff_fff0, 1]).buffer),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const { status, signal, stdout } = spawnSync(file, { input, timeout: 5000 });
      expect([signal, stdout.length]).toEqual([null, 0]);
      expect([0, 2]).toContain(status);
    }
  });
});

/** A zombie that nobody has asked for is not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
