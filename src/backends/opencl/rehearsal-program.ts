/**
 * The process in which drivers are tried; see rehearsal.ts. Says `trying` before it opens the loader, and `answered`
 * after. An error that is thrown is an answer: opened by the service itself the library says the same.
 *
 * A thread of it ends it when its parent does, whatever its drivers are at: it waits for the end of the input.
 */
import { readSync, writeSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { openOpencl } from './driver.ts';

if (isMainThread) await main();
else endWithInput();

async function main(): Promise<void> {
  await new Promise((resolve) => new Worker(new URL(import.meta.url)).once('message', resolve));
  writeSync(1, 'trying ');
  try {
    const opencl = openOpencl(process.argv[2]);
    for (const platform of opencl.platforms()) opencl.devices(platform);
  } catch {
    // as said
  }
  writeSync(1, 'answered');
}

function endWithInput(): void {
  parentPort?.postMessage('watching');
  try {
    readSync(0, new Uint8Array(1));
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}
