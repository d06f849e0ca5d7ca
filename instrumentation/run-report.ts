/**
 * Preloaded by `accelmeter run` in place of `register`: the same, begun before the program's first line so that no
 * program is too short for it, and with a report of all that ran, written when the process ends.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { armOpenclLayer } from '../src/native/arm.ts';
import { resolveOptions } from '../src/options.ts';
import { openScrapeTarget } from '../src/scrape-target.ts';
import type { Status } from '../src/status.ts';
import { readSwitches } from './switches.ts';

/** What one process of the program leaves behind for `accelmeter run`. */
export interface RunReport {
  readonly argv: readonly string[];
  readonly status: Status;
}

/** How long the end of the process may be put off for commands that the device is still finishing. */
const settleSeconds = 0.5;

const directory = process.env.ACCELMETER_RUN_REPORT;
if (isMainThread && directory) await begin(directory);

async function begin(into: string): Promise<void> {
  try {
    const switches = readSwitches(process.env, process.versions.node);
    if (switches.off !== undefined) return;
    if (switches.backends.includes('opencl')) armOpenclLayer();
    const options = resolveOptions({}, process.env, say);
    const { host, port, service } = switches;
    const target = await openScrapeTarget(options, { lazy: true, host, port, service });
    if (process.env.ACCELMETER_RUN_SERVE === '1') await target.listen().catch((error: Error) => say(error.message));
    atEnd(() => {
      target.settle(settleSeconds);
      const report: RunReport = { argv: process.argv, status: target.profiler.status() };
      writeFileSync(join(into, `${process.pid}.json`), JSON.stringify(report));
    });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

/** Calls `write` once, when the process exits or is ended by a signal that it does not handle itself. */
function atEnd(write: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    try {
      write();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  process.on('exit', once);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) return; // the program's own handler decides
      once();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function say(problem: string): void {
  process.stderr.write(`accelmeter: ${problem}\n`);
}
