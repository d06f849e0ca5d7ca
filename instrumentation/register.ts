/**
 * `node --import accelmeter/register app.js`: the program's compute as metrics, without a change to the program.
 *
 * Before the program's first line only the environment is prepared that the drivers read (a few file checks, nothing
 * heavy is loaded). Everything else waits until the main module has run. Nothing in here throws, keeps the process
 * alive, or touches OpenTelemetry's global providers.
 */
import { isMainThread } from 'node:worker_threads';
import { missingPeer } from '../src/missing-peer.ts';
import { armOpenclLayer } from '../src/native/arm.ts';
import { resolveOptions } from '../src/options.ts';
import { claimProcess } from './claim.ts';
import { say } from './say.ts';
import { isPackageManager, readSwitches } from './switches.ts';

/** After the program's main module has run and its event loop turns: time for it to open its own servers first. */
const graceMilliseconds = 200;

/** `--import` runs again in every Worker; there it does nothing. */
if (isMainThread && !isPackageManager(process.argv[1])) begin();

function begin(): void {
  try {
    const switches = readSwitches(process.env, process.versions.node);
    if (switches.off !== undefined) {
      if (switches.say) say(`accelmeter: off, ${switches.off}`);
      return;
    }
    if (!claimProcess()) return;
    const { backends } = resolveOptions({}, process.env, () => {}); // `start` reads them again, and says what is odd
    if (backends.includes('opencl')) armOpenclLayer();
    setTimeout(() => {
      load()
        .then(({ start }) => start(switches))
        .catch(sayFault);
    }, graceMilliseconds).unref();
  } catch (error) {
    sayFault(error);
  }
}

/** In parts, with a turn of the service's event loop between them: at once it would be held for twice as long. */
async function load(): Promise<typeof import('./start.ts')> {
  const parts = [
    () => import('@opentelemetry/sdk-metrics'),
    () => import('../src/exporters/prometheus/exporter.ts'),
    () => import('../src/profiler.ts'),
  ];
  for (const part of parts) {
    await part();
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 1).unref();
    });
  }
  return import('./start.ts');
}

function sayFault(error: unknown): void {
  say(`accelmeter: off, ${missingPeer(error) ?? (error instanceof Error ? error.message : String(error))}`);
}
