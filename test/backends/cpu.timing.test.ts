import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openCpuDriver } from '../../src/backends/cpu/driver.ts';

it('an idle event loop has no delay, a blocked one the time it was blocked', async () => {
  const driver = openCpuDriver();
  try {
    await sleep(200);
    driver.read();
    await sleep(300);
    expect(driver.read().delay?.p50Nanoseconds).toBeLessThan(5e6);
    const until = performance.now() + 150;
    while (performance.now() < until);
    await sleep(100);
    const blocked = driver.read().delay?.maxNanoseconds;
    expect(blocked).toBeGreaterThan(100e6);
    expect(blocked).toBeLessThan(400e6);
  } finally {
    driver.close();
  }
});
