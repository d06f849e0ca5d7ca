/**
 * The CPU as a device, and the process on it. Kernels come from the program itself (`timeKernel`) or from libraries
 * that run on the CPU; the operating system tells nothing about them.
 */
import { performance } from 'node:perf_hooks';
import type { Backend, Sample } from '../../backend.ts';
import { openCpuDriver, type RawProcess } from './driver.ts';
import { interpretProcess } from './readings.ts';

/** Shares over less than this are noise: two collections at once give the sample of the first. */
const shortestInterval = 0.25;

export const cpu: Backend = {
  name: 'cpu',
  open(host) {
    const driver = openCpuDriver();
    const id = `${host.hostId}:cpu:0`;
    host.addDevice({ id, backend: 'cpu', type: 'cpu', name: driver.model, index: 0 });
    let before = driver.read();
    let latest = sampleOf(before);
    return {
      sources: () => [{ name: 'process', up: true, detail: `${driver.threads} threads` }],
      sample() {
        if (performance.now() - before.atMilliseconds < shortestInterval * 1000) return latest;
        const now = driver.read();
        latest = sampleOf(now);
        before = now;
        return latest;
      },
      close: () => driver.close(),
    };

    function sampleOf(now: RawProcess): Sample {
      const { points, utilization } = interpretProcess(now, before, driver.threads);
      return {
        devices: [{ device: id, readings: [], ...(utilization !== undefined && { utilization }) }],
        process: points,
      };
    }
  },
};
