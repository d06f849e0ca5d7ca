/** Computes bcrypt hashes, one after the other, in a thread that has nothing else to do. */
import { parentPort } from 'node:worker_threads';
import { hashSync } from 'bcryptjs';
import type { Computed, ToCompute } from './hashing.ts';

parentPort?.on('message', ({ password, salt }: ToCompute) => {
  parentPort?.postMessage({ hash: hashSync(password, salt) } satisfies Computed);
});
