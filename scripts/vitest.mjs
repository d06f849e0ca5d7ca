/**
 * Runs vitest and counts. Its own summary leaves a file that does not load out of the count of tests, and its exit
 * code knows errors that belong to no test; here every failure counts.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { handOver, root } from './programs.mjs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed tests that failed, files that did not load or whose hooks threw, and what else made
 *   vitest fail, once
 * @property {number} skipped
 */

/**
 * @param {string} node the Node to run it with
 * @param {string[]} args for vitest, such as the files to run
 * @returns {Promise<Counts>}
 */
export async function runVitest(node, args) {
  const folder = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const exitCode = await handOver(node, [vitest, 'run', ...reporters, ...args]);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const files = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
    for (const file of files) addFile(file, counts);
    // Nothing matched, an error outside of any test, a crash before the report.
    if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Adds a file's tests to the counts, and says where tests were skipped: nothing is skipped silently. */
function addFile(file, counts) {
  const by = (status) => file.assertionResults.filter((test) => test.status === status).length;
  const passed = by('passed');
  const failed = by('failed');
  const skipped = file.assertionResults.length - passed - failed;
  counts.passed += passed;
  counts.failed += failed === 0 && file.status === 'failed' ? 1 : failed;
  counts.skipped += skipped;
  if (skipped > 0) console.log(`Skipped in ${relative(root, file.name)}: ${skipped}`);
}
