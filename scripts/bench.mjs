/**
 * `npm run bench`: all benchmarks, one after the other, or those that are named: `npm run bench -- record scrape`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { Explained, handOver, main, root } from './programs.mjs';
import { continueOnRightNode } from './setup.mjs';

await main(async () => {
  const { node } = await continueOnRightNode(import.meta.url);
  const all = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Explained(`No such benchmark: ${unknown.join(', ')}. There are: ${all.join(', ')}.`);
  await build({ node, requireNative: false });
  let worst = 0;
  for (const name of named.length > 0 ? named : all) {
    console.log(`\n# ${name}\n`);
    worst = Math.max(worst, await handOver(node, ['--expose-gc', join(root, 'bench', `${name}.ts`)]));
  }
  return worst;
});
