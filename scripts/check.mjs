/**
 * `npm run check`: everything that can be said about the sources and the package without running them. All checks
 * run, also after one has failed.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { capture, isStarted, main, root, say, secondsSince } from './programs.mjs';
import { continueOnRightNode } from './setup.mjs';

/**
 * Runs every check on a built project and prints a line for each, with the output of those that failed.
 *
 * @param {string} node
 * @returns {Promise<import('./vitest.mjs').Counts>} each check counted as a test
 */
export async function runChecks(node) {
  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-check-'));
  const tool = (path, ...args) => capture(node, [join(root, 'node_modules', path), ...args]);
  const tarball = () => join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? 'accelmeter.tgz');
  const checks = {
    types: () => tool('typescript/bin/tsc', '--noEmit'),
    'lint and format': () => tool('@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', '--colors=off'),
    'unused code': () => tool('knip/bin/knip.js'),
    pack: () => pack(folder),
    'package contents': () => contents(tarball()),
    publint: () => tool('publint/src/cli.js', 'run', tarball(), '--strict'),
    'types of the package': () =>
      tool('@arethetypeswrong/cli/dist/index.js', tarball(), '--profile', 'esm-only', '--no-emoji'),
  };
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const [name, check] of Object.entries(checks)) {
      const started = performance.now();
      say(`check: ${name} … `);
      const result = await check();
      counts[result.ok ? 'passed' : 'failed'] += 1;
      console.log(`${result.ok ? 'ok' : 'failed'} (${secondsSince(started)})`);
      if (!result.ok) console.log(result.output.trimEnd());
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
}

function pack(folder) {
  return capture('npm', ['pack', '--loglevel=error', '--ignore-scripts', '--pack-destination', folder]);
}

/** What must be in the package, and what must not. */
async function contents(tarball) {
  const { ok, stdout, output } = await capture('tar', ['-tzf', tarball]);
  if (!ok) return { ok, output };
  const files = stdout.split('\n').map((file) => file.replace(/^package\//, ''));
  const required = {
    'the compiled library': /^dist\/src\/index\.js$/,
    'its types': /^dist\/src\/index\.d\.ts$/,
    'the command': /^dist\/src\/cli\.js$/,
    register: /^dist\/instrumentation\/register\.js$/,
    'the prebuilt C parts': /^dist\/native\/[a-z0-9]+-[a-z0-9]+\/[^/]+\.so$/,
    'the program that calls drivers': /^dist\/native\/[a-z0-9]+-[a-z0-9]+\/accelmeter-driver-process$/,
    'the C sources': /^instrumentation\/opencl-layer\/[^/]+\.c$/,
    'what builds them elsewhere': /^scripts\/build-native\.mjs$/,
    'the dashboard': /^dashboards\/overview\.json$/,
    'the licence': /^LICENSE$/,
  };
  const problems = Object.entries(required)
    .filter(([, pattern]) => !files.some((file) => pattern.test(file)))
    .map(([what, pattern]) => `missing: ${what} (${pattern.source})`);
  const unwanted = files.filter((file) =>
    /(^|\/)(test|bench|node_modules)\/|^scripts\/(?!build-native\.mjs$)|\.test\.|\.built-from/.test(file),
  );
  problems.push(...unwanted.map((file) => `must not be packed: ${file}`));
  return { ok: problems.length === 0, output: problems.join('\n') };
}

if (isStarted(import.meta.url)) {
  await main(async () => {
    const { node } = await continueOnRightNode(import.meta.url);
    await build({ node, requireNative: true });
    const { failed } = await runChecks(node);
    return failed === 0 ? 0 : 1;
  });
}
