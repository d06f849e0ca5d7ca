/**
 * `npm test`: from a bare clone to tested. Installs what is missing, builds, adds the real parts that tests stand on,
 * runs the tests, and ends with one plain line of counts. Arguments go to vitest: `npm test -- test/distribution`.
 *
 * With `CI=true` it runs the checks of `npm run check` as well (each counts as one test), and a missing part is a
 * failure.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { runChecks } from './check.mjs';
import { addParts } from './parts.mjs';
import { handOver, main, root } from './programs.mjs';
import { continueOnRightNode } from './setup.mjs';

const ci = process.env.CI === 'true';

await main(async () => {
  const { node } = await continueOnRightNode(import.meta.url);
  const missing = await findParts();
  await build({ node, requireNative: ci });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (ci) {
    const { ok, failed } = await runChecks(node);
    counts.passed += ok.length;
    counts.failed += failed.length;
  }
  await runTests(node, counts);
  for (const { name, install } of missing) {
    console.log(`Tests that need ${name} were ${ci ? 'failed' : 'skipped'}. To run them: ${install}`);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
});

/** The parts that are still missing after we have added what we may. */
async function findParts() {
  // Each look in a fresh module: it remembers what it found.
  const look = async (query) => {
    const { part, partNames } = await import(`../test/parts.ts?${query}`);
    return partNames.map(part).filter(({ present }) => !present);
  };
  const before = await look('before');
  if (before.length === 0) return [];
  await addParts(before.map(({ name }) => name));
  return look('after');
}

/** Runs vitest and adds its counts. */
async function runTests(node, counts) {
  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
  const report = join(folder, 'report.json');
  try {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await handOver(node, [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...args,
      ...process.argv.slice(2),
    ]);
    const files = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
    const failedBefore = counts.failed;
    for (const file of files) addFile(file, counts);
    // Failed without a failed test: nothing matched, an error outside of any test, a crash before the report.
    if (exitCode !== 0 && counts.failed === failedBefore) counts.failed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that failed without a failed test (it did not load, or one of its hooks threw) counts as one failure. */
function addFile(file, counts) {
  const by = (status) => file.assertionResults.filter((test) => test.status === status).length;
  const passed = by('passed');
  const failed = by('failed');
  counts.passed += passed;
  counts.failed += failed === 0 && file.status === 'failed' ? 1 : failed;
  counts.skipped += file.assertionResults.length - passed - failed;
}
