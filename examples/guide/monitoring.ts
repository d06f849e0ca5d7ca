// Real-Time Monitoring Dashboard: a line a second, and what is found as soon as it is.
//
//   node examples/guide/monitoring.ts [seconds between two lines, by default 1]
import { createProfiler, type Device, type Profiler } from 'accelmeter';
import { fixed } from './figures.ts';
import { deviceOf, multiplyMatrices } from './work.ts';

class PerformanceMonitor {
  readonly #device: Device;
  readonly #timer: NodeJS.Timeout;
  readonly #off: () => void;

  constructor(profiler: Profiler, device: Device, intervalSeconds: number) {
    this.#device = device;
    this.#timer = setInterval(() => void this.#update(), intervalSeconds * 1000);
    // Check for issues: told when a bottleneck begins and when it is over, not at every look
    this.#off = profiler.on('finding', ({ state, sentence }) => console.log(`(!) Bottleneck ${state}: ${sentence}`));
  }

  async #update(): Promise<void> {
    const snapshot = await this.#device.getProfilingSnapshot();

    // Update UI or logging
    console.log(
      `[${snapshot.timestamp.slice(11, 19)}] Util: ${fixed(snapshot.deviceUtilizationPercent, 1)}% | ` +
        `Ops: ${snapshot.totalOperations} | Lat: ${fixed(snapshot.averageLatencyMs, 2)}ms`,
    );
    for (const bottleneck of snapshot.identifiedBottlenecks) console.log(`  - ${bottleneck}`);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#off();
  }
}

// Usage
const everySeconds = Number(process.argv[2] ?? 1);
const profiler = await createProfiler({ backends: ['cpu'], tickSeconds: everySeconds / 2 });
const cpu = deviceOf(profiler, 'cpu');

if (cpu) {
  const monitor = new PerformanceMonitor(profiler, cpu, everySeconds);
  await multiplyMatrices(cpu, everySeconds * 4.5, [48, 144]); // one kernel, two sizes: it varies
  monitor.close();
}
await profiler.close();
