/**
 * For each rule a window in which it is seen and nothing else is, and one just short of it, in which nothing is seen.
 * Each on the backend that it matters most on; `rules/` has the others.
 */
import type { BottleneckCode } from '../../src/analyzer/finding.ts';
import type { RuleBackend } from '../../src/analyzer/rule.ts';
import type { Window } from '../../src/profile/window.ts';
import { durations, kernelWindow, windowOf } from './window.ts';

export interface Case {
  readonly raised: Window;
  readonly clear: Window;
}

type Stated = Parameters<typeof windowOf>[1];

/** `count` executions that took `seconds` each. */
export const times = (count: number, seconds: number) => new Array<number>(count).fill(seconds);

/** Sixty seconds of a device that does its work well: busy for half of the time with kernels of 10 ms. */
export const healthy = (backend: RuleBackend, stated: Stated = {}): Window =>
  windowOf(backend, { kernelsByName: [kernelWindow('matmul', times(3000, 0.01))], ...stated });

/** Copies of 4 MiB that take `seconds` together, none of them beside a kernel. */
export function copies(count: number, seconds: number): Window['transfers'] {
  const bytes = count * 4 * 2 ** 20;
  return { count, bytes, seconds, exposedSeconds: seconds, large: { count, bytes, seconds } };
}

const gibibyte = 2 ** 30;
const link = { generation: 4, maxGeneration: 4, width: 16, maxWidth: 16, bandwidth: 31.5e9 };
const few = [kernelWindow('matmul', times(100, 0.002))];
const tiny = (seconds: number) => ({
  kernelsByName: [kernelWindow('add', times(100_000, seconds))],
  inFlightSeconds: 45,
});

export const cases: Readonly<Record<BottleneckCode, Case>> = {
  memory_errors: {
    raised: healthy('cuda', { hardware: { uncorrectedErrors: 1 } }),
    clear: healthy('cuda', { hardware: { uncorrectedErrors: 0, criticalXids: 0, rowRemapPending: false } }),
  },
  failing_operations: {
    raised: healthy('opencl', { kernelsByName: [{ ...kernelWindow('matmul', times(94, 0.1)), failures: 6 }] }),
    clear: healthy('opencl', { kernelsByName: [{ ...kernelWindow('matmul', times(95, 0.1)), failures: 5 }] }),
  },
  thermal_throttling: {
    raised: healthy('cuda', { hardware: { thermalThrottle: 0.02, temperature: 84 } }),
    clear: healthy('cuda', { hardware: { thermalThrottle: 0, temperature: 84 } }),
  },
  memory_pressure: {
    raised: healthy('cpu', { utilization: 0.5, process: { heapUsage: 0.91 * gibibyte, heapLimit: gibibyte } }),
    clear: healthy('cpu', { utilization: 0.5, process: { heapUsage: 0.9 * gibibyte, heapLimit: gibibyte } }),
  },
  pcie_degraded: {
    raised: healthy('cuda', { hardware: { utilization: 0.6, link: { ...link, width: 8 } } }),
    clear: healthy('cuda', { hardware: { utilization: 0.6, link } }),
  },
  event_loop_starves_device: {
    raised: windowOf('opencl', { kernelsByName: few, process: { eventLoopUtilization: 0.91 } }),
    clear: windowOf('opencl', { kernelsByName: few, process: { eventLoopUtilization: 0.9 } }),
  },
  thread_pool_exhausted: {
    raised: healthy('cpu', { utilization: 0.5, process: { threadPoolUtilization: 0.81, threadPoolWait: 0.011 } }),
    clear: healthy('cpu', { utilization: 0.5, process: { threadPoolUtilization: 0.8, threadPoolWait: 0.011 } }),
  },
  transfer_bound: {
    raised: healthy('opencl', { inFlightSeconds: 60, transfers: copies(9000, 31) }),
    clear: healthy('opencl', { inFlightSeconds: 60, transfers: copies(9000, 30) }),
  },
  low_bandwidth: {
    raised: healthy('cuda', { hardware: { link }, transfers: copies(3000, (3000 * 4 * 2 ** 20) / 15.7e9) }),
    clear: healthy('cuda', { hardware: { link }, transfers: copies(3000, (3000 * 4 * 2 ** 20) / 15.8e9) }),
  },
  launch_bound: {
    raised: windowOf('opencl', { ...tiny(0.000199), waits: durations(times(100_000, 0.003)) }),
    clear: windowOf('opencl', { ...tiny(0.000201), waits: durations(times(100_000, 0.003)) }),
  },
  compiling_while_serving: {
    raised: healthy('opencl', { compilation: { count: 3, seconds: 0.61 } }),
    clear: healthy('opencl', { compilation: { count: 3, seconds: 0.6 } }),
  },
  regression: {
    raised: healthy('opencl', {
      kernelsByName: [kernelWindow('matmul', times(3000, 0.0121), times(3000, 0.01))],
    }),
    clear: healthy('opencl', {
      kernelsByName: [kernelWindow('matmul', times(3000, 0.0119), times(3000, 0.01))],
    }),
  },
  low_utilization: {
    raised: windowOf('opencl', { kernelsByName: [kernelWindow('matmul', times(1190, 0.01))], inFlightSeconds: 30 }),
    clear: windowOf('opencl', { kernelsByName: [kernelWindow('matmul', times(1201, 0.01))], inFlightSeconds: 30 }),
  },
  power_throttling: {
    raised: healthy('cuda', { hardware: { powerThrottle: 1, clockRatio: 0.79 } }),
    clear: healthy('cuda', { hardware: { powerThrottle: 1, clockRatio: 0.8 } }),
  },
  queue_bound: {
    raised: healthy('opencl', { waits: durations(times(3000, 0.011)) }),
    clear: healthy('opencl', { waits: durations(times(3000, 0.01)) }),
  },
  high_variance: {
    raised: windowOf('opencl', { kernelsByName: [kernelWindow('gemm', [...times(900, 0.01), ...times(900, 0.02)])] }),
    clear: windowOf('opencl', { kernelsByName: [kernelWindow('gemm', [...times(900, 0.01), ...times(900, 0.018)])] }),
  },
};
