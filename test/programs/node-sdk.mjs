/**
 * A service with an SDK of its own, that of the folder `SERVICE`: configured by the environment, started after `DELAY`
 * milliseconds, or at once where this is preloaded.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { NodeSDK } = createRequire(join(process.env.SERVICE, 'package.json'))('@opentelemetry/sdk-node');
const start = () => {
  new NodeSDK().start();
  console.log('started');
};
if (process.env.DELAY) setTimeout(start, Number(process.env.DELAY));
else start();
setTimeout(() => {}, 60_000);
