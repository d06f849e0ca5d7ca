/** `npm run test:metal`: the Metal backend on a real Mac; elsewhere it says that there is none. */
import { handOver, main, root } from './programs.mjs';
import { continueOnRightNode } from './setup.mjs';

await main(async () => {
  const { node } = await continueOnRightNode(import.meta.url);
  return handOver(node, ['--test', `${root}/test/mac/metal.mac.ts`]);
});
