/**
 * `npm test`: from a bare clone to tested. Installs what is missing, adds the real parts that tests stand on, builds,
 * runs the tests, and ends with one plain line of counts. Arguments go to vitest: `npm test -- test/distribution`.
 *
 * With `CI=true` the checks of `npm run check` run as well (each counts as one test), and a missing part is a failure.
 */
import { build } from './build.mjs';
import { runChecks } from './check.mjs';
import { addParts } from './parts.mjs';
import { Explained, main } from './programs.mjs';
import { continueOnRightNode } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const ci = process.env.CI === 'true';

await main(async () => {
  const { node } = await continueOnRightNode(import.meta.url);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    const missing = await findParts();
    await build({ node, requireNative: ci });
    if (ci) add(counts, await runChecks(node));
    add(counts, await runVitest(node, process.argv.slice(2)));
    for (const { name, install } of missing) {
      console.log(`${ci ? 'Missing' : 'Skipped: the tests that need'} ${name}. To have it: ${install}`);
    }
    if (ci) counts.failed += missing.length;
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    console.error(error.message);
    counts.failed += 1;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
});

/** The parts that are still missing after those were added that may be. */
async function findParts() {
  // Loaded here: only the Node that we continue on can run TypeScript.
  const { part, partNames } = await import('../test/parts.ts');
  const findMissing = () => partNames.map((name) => part(name)).filter(({ present }) => !present);
  await addParts(findMissing().map(({ name }) => name));
  return findMissing();
}

function add(counts, { passed, failed, skipped }) {
  counts.passed += passed;
  counts.failed += failed;
  counts.skipped += skipped;
}
