/**
 * The CPU as a device, and the process on it. Kernels come from the program itself (`timeKernel`) or from libraries
 * that run on the CPU; the operating system tells nothing about them.
 */
import type { Backend } from '../../backend.ts';
import { openCpuDriver } from './driver.ts';
import { interpretProcess } from './readings.ts';

export const cpu: Backend = {
  name: 'cpu',
  open(host) {
    const driver = openCpuDriver();
    const id = `${host.hostId}:cpu:0`;
    host.addDevice({ id, backend: 'cpu', type: 'cpu', name: driver.model, index: 0 });
    const detail = `${driver.threads} threads${driver.poolVisible ? '' : ', thread pool not visible'}`;
    let before = driver.read();
    return {
      sources: () => [{ name: 'process', up: true, detail }],
      sample() {
        const now = driver.read();
        const { points, utilization } = interpretProcess(now, before, driver.threads);
        before = now;
        return {
          devices: [{ device: id, readings: [], ...(utilization !== undefined && { utilization }) }],
          process: points,
          asideSeconds: driver.costMilliseconds() / 1000,
        };
      },
      pause: () => driver.pause(),
      resume() {
        driver.resume();
        before = driver.read();
      },
      close: () => driver.close(),
    };
  },
};
