import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Analyzer } from '../../src/analyzer/analyzer.ts';
import { trendsIn } from '../../src/analyzer/trends.ts';
import { Announcements } from '../../src/announcements.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

function bytesInUse(): number {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it('a device that works for hours holds no more than after minutes, by operations nor by ticks', () => {
  let seconds = 100;
  let operations = 0;
  const profile = new DeviceProfile(
    { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 },
    { now: () => seconds },
  );
  const history = new DeviceHistory(profile);
  const announcements = new Announcements();
  let told = 0;
  announcements.on(() => {
    told += 1;
  });
  const analyzer = new Analyzer({
    device: profile.identity,
    now: () => seconds,
    announce: (finding) => announcements.announce(finding),
  });

  /** Kernels that come and go, from short to long ones, late and failing; copies, and windows that are read. */
  function work(tick: number, runs = 3500): void {
    seconds += 5;
    for (let i = 0; i < runs; i++) {
      const name =
        i % 100 === 0 ? `once_${operations}` : `kernel_${Math.floor(((i * 0.618 + tick / 7) % 1) ** 3 * 90)}`;
      const duration = 1e-6 * 2 ** ((i * 0.618) % 20);
      const start = seconds - 2 - ((i * 7919) % 3500) / 1200;
      const failed = i % (tick % 40 < 20 ? 5 : 50) === 0 ? `error_${i % 1000}` : undefined; // raised, and cleared
      profile.deliver({ kind: 'kernel', name, start, duration, wait: duration * 3, failed });
      operations += 1;
    }
    for (let i = 0; i < runs / 50; i++) {
      const start = seconds - i / 10;
      profile.deliver({
        kind: 'transfer',
        direction: 'host_to_device',
        bytes: 2e6,
        start,
        duration: 1e-3,
        failed: undefined,
      });
    }
    profile.closeInterval(seconds);
    history.close(seconds, [{ name: 'nodejs.eventloop.utilization', value: (tick % 100) / 100 }], ['a source']);
    const window = history.window();
    if (window === undefined) throw new Error('no interval was closed');
    analyzer.analyze(window);
    trendsIn(window);
    announcements.deliver();
  }

  // V8 itself takes some more as it compiles; a byte kept of each operation, or an object of each tick, is far above that.
  for (let tick = 0; tick < 480; tick++) work(tick, tick < 120 ? 3500 : 1000);
  const before = bytesInUse();
  operations = 0;
  for (let tick = 480; tick < 780; tick++) work(tick);
  expect(operations).toBeGreaterThan(1e6);
  expect(bytesInUse() - before).toBeLessThan(256 * 1024);
  const worked = bytesInUse();
  for (let tick = 780; tick < 3780; tick++) work(tick, 10);
  expect(bytesInUse() - worked).toBeLessThan(256 * 1024);
  expect(told).toBeGreaterThan(50);
  expect(history.window(24)?.byKernel.length).toBeGreaterThan(0);
});
