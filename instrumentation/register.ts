/**
 * `node --import accelmeter/register app.js`: the program's compute as metrics, without a change to the program.
 *
 * Before the program's first line only the environment is prepared that the drivers read (a few file checks, nothing
 * heavy is loaded). Everything else waits until the main module has run. Nothing in here throws, keeps the process
 * alive, or touches OpenTelemetry's global providers.
 */
import { isMainThread } from 'node:worker_threads';
import type { MeterProvider } from '@opentelemetry/api';
import { isChosen } from '../src/chosen-backends.ts';
import { missingPeer } from '../src/missing-peer.ts';
import { armDrivers } from '../src/native/arm.ts';
import { claimProcess } from './claim.ts';
import { onGlobalMeterProvider } from './meter-provider.ts';
import { say } from './say.ts';
import type { Started } from './start.ts';
import { isPackageManager, readSwitches } from './switches.ts';

/** After the program's main module has run and its event loop turns: time for it to open its own servers first. */
const graceMilliseconds = 200;
/** How long a program that has ended by itself may be kept for its last push. */
const lastPushMilliseconds = 1000;

/** `--import` runs again in every Worker; there it does nothing: what runs there is seen from the main thread. */
if (isMainThread && !isPackageManager(process.argv[1])) begin();

function begin(): void {
  try {
    const switches = readSwitches(process.env, process.versions.node);
    if (switches.off !== undefined) {
      if (switches.say) say(`accelmeter: off, ${switches.off}`);
      return;
    }
    if (!claimProcess()) return;
    armDrivers((backend) => isChosen(backend, process.env));
    const registered = new Promise<MeterProvider>(onGlobalMeterProvider);
    let started: Promise<Started | undefined> | undefined;
    const begun = () => {
      started ??= load()
        .then(({ start }) => start(switches, registered))
        .catch(sayFault);
      return started;
    };
    setTimeout(begun, graceMilliseconds).unref();
    if (switches.exporters.includes('otlp')) pushAtEnd(begun);
    else if (switches.events === 'otlp') pushAtEnd(() => started); // before it has started there are no events
  } catch (error) {
    sayFault(error);
  }
}

/**
 * A program that has nothing more to do is not kept, but for a last push to the receiver that it asked for: also one
 * that was too short to be measured until then, whose kernels the layer has kept. A program that ends itself or is
 * ended is not held.
 */
function pushAtEnd(begun: () => Promise<Started | undefined> | undefined): void {
  process.once('beforeExit', () => {
    const starting = begun();
    if (starting === undefined) return;
    const deadline = performance.now() + lastPushMilliseconds;
    const held = setTimeout(() => {}, lastPushMilliseconds);
    starting.then((started) => started?.flush(deadline - performance.now())).finally(() => clearTimeout(held));
  });
}

/** In parts of a few milliseconds, with a turn of the service's event loop between them: at once they would hold it. */
async function load(): Promise<typeof import('./start.ts')> {
  const parts = [
    () => import('@opentelemetry/api'),
    () => import('@opentelemetry/sdk-metrics'),
    () => import('../src/exporters/prometheus/formats.ts'),
    () => import('../src/exporters/prometheus/exporter.ts'),
    () => import('../src/profile/device-profile.ts'),
    () => import('../src/analysis.ts'),
    () => import('../src/otel/metric-producer.ts'),
    () => import('../src/backends/cpu/index.ts'),
    () => import('../src/backends/opencl/index.ts'),
    () => import('../src/backends/cuda/index.ts'),
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

function sayFault(error: unknown): undefined {
  say(`accelmeter: off, ${missingPeer(error) ?? (error instanceof Error ? error.message : String(error))}`);
}
