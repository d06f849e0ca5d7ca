/** The scripts behind `npm start` and `npm test`, each run as its own process on a project made for the test. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'accelmeter-scripts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('setting up', () => {
  const native = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
  const wanted = {
    'node_modules/plain': { version: '1.0.0' },
    'node_modules/native': native,
    'node_modules/native-elsewhere': { ...native, os: ['aix'] },
  };

  test('a new machine installs once, and the second time nothing', () => {
    const project = makeProject('new-machine', wanted);
    const npm = fakeNpm(project, { always: Object.keys(wanted) });
    expect(setUp(project, { npm }).stdout).toMatch(/^Installing .* … [\d.]+ s\n/);
    expect(setUp(project, { npm }).stdout).toMatch(/^\{/);
  });

  test('a package in another version than the lock file says is installed anew', () => {
    const project = makeProject('other-version', wanted);
    const npm = fakeNpm(project, { always: Object.keys(wanted) });
    setUp(project, { npm });
    writeLock(project, { ...wanted, 'node_modules/plain': { version: '1.0.1' } });
    expect(setUp(project, { npm }).stdout).toMatch(/^Installing /);
  });

  test('what npm leaves out on an older Node is added with the Node that came along', () => {
    const project = makeProject('older-node', wanted);
    const npm = fakeNpm(project, { always: ['node_modules/plain'], onNewNode: ['node_modules/native'] });
    const { stdout } = setUp(project, { npm, own: oldNode(project) });
    expect(stdout).toContain('npm left out 1 packages');
    expect(stdout).toContain('"startedBy":"20.1.0"');
    expect(stdout).toContain(`"node":"${join(project, 'node_modules/node/bin/node')}"`);
  });

  test('a package that npm never installs is an error that names it', () => {
    const project = makeProject('incomplete', wanted);
    const npm = fakeNpm(project, { always: ['node_modules/plain'] });
    expect(setUp(project, { npm }).stderr).toContain(
      'npm has not installed what package-lock.json says: node_modules/native\n',
    );
  });

  test('of many such packages a few are named', () => {
    const names = Array.from({ length: 200 }, (_, i) => `node_modules/p${i}`);
    const project = makeProject('nothing', Object.fromEntries(names.map((name) => [name, { version: '1.0.0' }])));
    const { stderr } = setUp(project, { npm: fakeNpm(project, { always: [] }) });
    expect(stderr).toMatch(/node_modules\/p0, .*node_modules\/p4 and 195 more\n/);
  });

  test('an npm that fails is an error with what it said', () => {
    const project = makeProject('no-network', wanted);
    const npm = join(project, 'npm-cli.js');
    writeFileSync(npm, `console.error('npm error network'); process.exit(1);`);
    const { stderr, status } = setUp(project, { npm });
    expect(stderr).toContain('npm error network');
    expect(status).toBe(1);
  });

  /** Runs `setUp` in a project; `own` is the machine's Node, `npm` its npm. */
  function setUp(project: string, { npm, own = process.execPath }: { npm: string; own?: string }) {
    const body = `import { main } from './scripts/programs.mjs';
      import { setUp } from './scripts/setup.mjs';
      await main(async () => { console.log(JSON.stringify(await setUp())); return 0; });`;
    return evaluate(project, body, { npm_node_execpath: own, npm_execpath: npm, ACCELMETER_STARTED_BY_NODE: '' });
  }

  /** An npm that installs the packages it is told to, some of them only when it runs on a new Node. */
  function fakeNpm(project: string, { always, onNewNode = [] }: { always: string[]; onNewNode?: string[] }): string {
    const npm = join(project, 'npm-cli.js');
    writeFileSync(
      npm,
      `import fs from 'node:fs';
       if (!process.argv.includes('--include=dev')) throw new Error('left out where NODE_ENV is production');
       const names = ${JSON.stringify(always)}.concat(process.env.OLD_NODE ? [] : ${JSON.stringify(onNewNode)});
       const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
       for (const name of names) fs.mkdirSync(name, { recursive: true });
       const record = { packages: Object.fromEntries(names.map((name) => [name, packages[name]])) };
       fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify(record));`,
    );
    return npm;
  }

  /** Says it is Node 20.1, and tells the npm that runs on it. */
  function oldNode(project: string): string {
    const path = join(project, 'old-node');
    const answer = `if [ "$1" = -p ]; then echo '["20.1.0",false]'; else OLD_NODE=1 exec "${process.execPath}" "$@"; fi`;
    writeFileSync(path, `#!/bin/sh\n${answer}\n`);
    chmodSync(path, 0o755);
    return path;
  }
});

describe('running vitest', () => {
  const passing = `import { test } from 'vitest'; test('passes', () => {});`;

  test('counts tests that pass, fail and are skipped', () => {
    const counts = runVitest('mixed', {
      'mixed.test.ts': `${passing} test('fails', () => { throw new Error('no'); }); test.skip('is skipped', () => {});`,
    });
    expect(counts).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  test('a file that does not load is a failure', () => {
    const files = { 'a.test.ts': passing, 'b.test.ts': `import './missing.ts';` };
    expect(runVitest('not-loading', files)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  test('an error outside of any test is a failure', () => {
    const late = `import { test } from 'vitest';
      test('passes', () => new Promise((resolve) => { setTimeout(() => { throw new Error('late'); }, 1); setTimeout(resolve, 50); }));`;
    expect(runVitest('late', { 'late.test.ts': late })).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  test('no test at all is a failure', () => {
    expect(runVitest('none', {})).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  function runVitest(name: string, files: Record<string, string>): unknown {
    const project = join(folder, name);
    for (const [file, text] of Object.entries(files)) write(project, file, text);
    // A node_modules of its own, because vitest keeps a cache there that the run around this one is using.
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    symlinkSync(join(root, 'node_modules/vitest'), join(project, 'node_modules/vitest'));
    const body = `import { runVitest } from './scripts/vitest.mjs';
      const counts = await runVitest(process.execPath, ['--root', ${JSON.stringify(project)}]);
      console.log('\\n' + JSON.stringify(counts));`;
    return JSON.parse(evaluate(root, body).stdout.trim().split('\n').at(-1) ?? '');
  }
});

describe('building', () => {
  test('compiles once, removes what has no source any more, and stops at a wrong type', () => {
    const project = makeProject('building', {});
    rmSync(join(project, 'node_modules'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
    for (const file of ['tsconfig.json', 'tsconfig.build.json', 'instrumentation']) {
      cpSync(join(root, file), join(project, file), { recursive: true, filter: (path) => !path.endsWith('.ts') });
    }
    write(project, 'src/cli.ts', '#!/usr/bin/env node\nexport const one = 1;\n');
    write(project, 'src/gone.ts', 'export const two = 2;\n');
    expect(build(project)).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Building … /) });
    expect(existsSync(join(project, 'dist/src/gone.js'))).toBe(true);
    expect(spawnSync(join(project, 'dist/src/cli.js')).status, 'its command runs').toBe(0);
    expect(build(project).stdout).not.toMatch(/^Building … /);

    rmSync(join(project, 'src/gone.ts'));
    build(project);
    expect(existsSync(join(project, 'dist/src/gone.js'))).toBe(false);
    expect(existsSync(join(project, 'dist/src/gone.d.ts'))).toBe(false);

    write(project, 'src/cli.ts', 'export const one: string = 1;\n');
    const { status, stderr } = build(project);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('src/cli.ts(1,14)') });
  });

  function build(project: string) {
    const body = `import { build } from './scripts/build.mjs';
      import { main } from './scripts/programs.mjs';
      await main(async () => { await build({ node: process.execPath, requireNative: false }); return 0; });`;
    return evaluate(project, body);
  }
});

describe('handing over to another program', () => {
  test('gives its exit code', () => {
    expect(evaluate(root, handOver('process.exit(7)')).status).toBe(7);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('passes %s on and waits for its end', async (signal) => {
    const program = `process.on('${signal}', () => { console.log('ending'); process.exit(5); }); setInterval(() => {}, 1000); console.log('ready');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', handOver(program)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (text.startsWith('ready')) child.kill(signal);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'ready\nending\n' });
  });

  test('ends it when the shell that npm started it with is gone', async () => {
    const program = `process.on('SIGTERM', () => { console.log('ending'); process.exit(); }); setInterval(() => {}, 1000); console.log('ready');`;
    const env = { ...process.env, npm_lifecycle_event: 'start', BODY: handOver(program), NODE: process.execPath };
    const shell = spawn('/bin/sh', ['-c', '"$NODE" --input-type=module -e "$BODY"; true'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (text.startsWith('ready')) shell.kill('SIGTERM');
    });
    // The end of the stream is the end of the last process that holds it.
    await new Promise((resolve) => shell.stdout.on('end', resolve));
    expect(stdout).toBe('ready\nending\n');
  });

  function handOver(program: string): string {
    return `import { handOver } from './scripts/programs.mjs';
      process.exitCode = await handOver(process.execPath, ['-e', ${JSON.stringify(program)}]);`;
  }
});

/** A project with our scripts, a lock file, and a bundled Node. */
function makeProject(name: string, packages: Record<string, unknown>): string {
  const project = join(folder, name);
  cpSync(join(root, 'scripts'), join(project, 'scripts'), { recursive: true });
  write(project, 'package.json', JSON.stringify({ name, private: true, type: 'module' }));
  writeLock(project, packages);
  mkdirSync(join(project, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(process.execPath, join(project, 'node_modules/node/bin/node'));
  return project;
}

function writeLock(project: string, packages: Record<string, unknown>): void {
  write(project, 'package-lock.json', JSON.stringify({ packages: { '': {}, ...packages } }));
}

function write(project: string, file: string, text: string): void {
  mkdirSync(dirname(join(project, file)), { recursive: true });
  writeFileSync(join(project, file), text);
}

/** Runs a module in a folder, without what vitest and npm tell their children. */
function evaluate(cwd: string, body: string, env: Record<string, string> = {}): SpawnSyncReturns<string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|npm_|NODE_OPTIONS$|NODE_ENV$)/.test(name),
  );
  return spawnSync(process.execPath, ['--input-type=module', '-e', body], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    encoding: 'utf8',
  });
}
