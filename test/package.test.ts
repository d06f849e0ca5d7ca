/** The package as a service gets it: packed, installed into another project, imported, type-checked, run. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from './parts.ts';

const root = join(import.meta.dirname, '..');
const consumer = mkdtempSync(join(tmpdir(), 'accelmeter-consumer-'));
const installed = join(consumer, 'node_modules/accelmeter');

describe('the packed package, installed into an empty project', () => {
  beforeAll(() => {
    expect(existsSync(join(root, 'dist/src/index.js')), 'dist/ is there: npm run build').toBe(true);
    const { stdout } = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', consumer], root);
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    const peers = ['@opentelemetry/api', '@opentelemetry/sdk-metrics'];
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${stdout.trim()}`, ...peers]);
  }, 120_000);
  afterAll(() => rmSync(consumer, { recursive: true, force: true }));

  test.each(['accelmeter', 'accelmeter/prometheus', 'accelmeter/prom-client'])('%s can be imported', (specifier) => {
    const { stdout } = run('node', [
      '--input-type=module',
      '-e',
      `console.log(Object.keys(await import('${specifier}')).length > 0)`,
    ]);
    expect(stdout.trim()).toBe('true');
  });

  test('--import accelmeter/register leaves a program its output, its exit code and its end', () => {
    const program = 'console.log("mine"); process.exitCode = 3;';
    const { status, stdout } = attempt('node', [
      '--import',
      'accelmeter/register',
      '--input-type=module',
      '-e',
      program,
    ]);
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'mine\n' });
  });

  test('brings the command, in the version of the package', () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(run(join(consumer, 'node_modules/.bin/accelmeter'), ['--version']).stdout).toContain(version);
  });

  test('brings types that a strict compiler accepts, without skipLibCheck', () => {
    writeFileSync(
      join(consumer, 'program.ts'),
      `import { createProfiler } from 'accelmeter';
       import { PrometheusExporter } from 'accelmeter/prometheus';
       import { fromRegistry, type PromClientRegistry, registerInto } from 'accelmeter/prom-client';
       import 'accelmeter/register';
       export const exporter: PrometheusExporter = new PrometheusExporter({ preventServerStart: true });
       export const bridged = (registry: PromClientRegistry) => [registerInto(registry), fromRegistry(registry)];
       export const devices: string[] = (await createProfiler()).devices.map((device) => device.name);`,
    );
    writeFileSync(
      join(consumer, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'es2023',
          lib: ['es2024', 'esnext.disposable'],
          strict: true,
          noEmit: true,
          types: ['node'],
          typeRoots: [join(root, 'node_modules/@types')],
        },
        files: ['program.ts'],
      }),
    );
    expect(attempt('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.']).stdout).toBe('');
  });

  test('holds no test, of our scripts the one that builds the C parts, and runs nothing when it is installed', () => {
    expect(readdirSync(installed)).not.toContain('test');
    expect(readdirSync(join(installed, 'scripts'))).toEqual(['build-native.mjs']);
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    );
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });
});

test('a service on SDK 2 and API 1.9 keeps them, and its global provider can be bridged to', () => {
  const service = mkdtempSync(join(tmpdir(), 'accelmeter-service-'));
  try {
    const { stdout } = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', service], root);
    writeFileSync(join(service, 'package.json'), JSON.stringify({ name: 'service', private: true, type: 'module' }));
    const peers = ['@opentelemetry/api@1.9', '@opentelemetry/sdk-metrics@2.12'];
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${stdout.trim()}`, ...peers], service);
    cpSync(join(import.meta.dirname, 'programs/bridged-service.mjs'), join(service, 'service.mjs'));
    const told = JSON.parse(run('node', ['service.mjs'], service).stdout);
    expect(told).toEqual({ errors: [], executions: 3 });
    expect(existsSync(join(service, 'node_modules/accelmeter/node_modules/@opentelemetry'))).toBe(false);
  } finally {
    rmSync(service, { recursive: true, force: true });
  }
}, 120_000);

test.skipIf(lacks('cc'))('npm pack builds first what a bare clone does not have', () => {
  const clone = mkdtempSync(join(tmpdir(), 'accelmeter-clone-'));
  try {
    const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
    for (const path of ['src', 'instrumentation', 'scripts', ...settings]) {
      cpSync(join(root, path), join(clone, path), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
    mkdirSync(join(clone, 'test'));
    symlinkSync(join(root, 'test/services'), join(clone, 'test/services')); // which have packages of their own
    const { stdout } = run('npm', ['pack', '--silent', '--pack-destination', clone], clone);
    const tarball = join(clone, stdout.trim().split('\n').at(-1) ?? '');
    const packed = run('tar', ['-tzf', tarball], clone).stdout;
    for (const file of ['src/cli.js', 'src/index.d.ts', 'instrumentation/register.js', 'native/']) {
      expect(packed).toContain(`package/dist/${file}`);
    }
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});

/** Runs a program in the consumer's folder; fails the test where it fails. */
function run(program: string, args: readonly string[], cwd = consumer): { stdout: string } {
  const { status, stdout, stderr } = attempt(program, args, cwd);
  expect(status, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return { stdout };
}

function attempt(program: string, args: readonly string[], cwd = consumer) {
  // As a person's shell would start it: without what npm and vitest tell their children.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_OPTIONS|ACCELMETER_)/i.test(name),
  );
  const env = { ...Object.fromEntries(inherited), OTEL_METRICS_EXPORTER: 'none' };
  return spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 100_000 });
}
