/**
 * `npm start`: from a bare clone to the demo. Arguments go to the demo: `npm start -- --port 9500`.
 */
import { join } from 'node:path';
import { build } from './build.mjs';
import { handOver, main, root } from './programs.mjs';
import { setUp } from './setup.mjs';

await main(async () => {
  const { node, startedBy } = await setUp();
  await build({ node, requireNative: false });
  const env = { ...process.env };
  // The demo says which Node it runs on where that is not the one the person has.
  if (startedBy !== undefined) env.ACCELMETER_STARTED_BY_NODE = startedBy;
  return handOver(node, [join(root, 'dist/src/cli.js'), 'demo', ...process.argv.slice(2)], env);
});
