import { expect, it } from 'vitest';
import { Analyzer } from '../../src/analyzer/analyzer.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { DeviceHistory } from '../../src/profile/history.ts';

it('the analysis of one device takes under 0.2 ms where nothing else runs, so under 1 ms at half of the ticks here', () => {
  let now = 100;
  let announced = 0;
  const profile = new DeviceProfile(
    { id: 'd', backend: 'opencl', type: 'gpu', name: 'D', index: 0 },
    { now: () => now },
  );
  const history = new DeviceHistory(profile);
  const analyzer = new Analyzer({
    device: profile.identity,
    now: () => now,
    announce() {
      announced += 1;
    },
  });
  const kernels = Array.from({ length: 64 }, (_, k) => profile.kernel(`kernel_${k}`));
  const taken: number[] = [];
  for (let tick = 0; tick < 400; tick++) {
    // The heaviest become slower now and then, so that there is something to be found.
    const factor = tick % 100 < 50 ? 1 : 1.5;
    for (const [k, kernel] of kernels.entries()) {
      for (let i = 0; i < 20; i++) kernel.record(((factor * 1e-3) / (1 + k / 4)) * (1 + (i % 5) / 10));
    }
    now += 5;
    profile.closeInterval(now);
    const start = performance.now();
    history.close(now);
    const window = history.window();
    if (window !== undefined) analyzer.analyze(window);
    if (tick >= 100) taken.push(performance.now() - start);
  }
  taken.sort((a, b) => a - b);
  expect(announced).toBeGreaterThan(16);
  expect(taken[taken.length >> 1]).toBeLessThan(1);
});
