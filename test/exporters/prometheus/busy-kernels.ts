/** Kernels that run, and a producer of their durations: what pages are measured with. */
import { resourceFromAttributes } from '@opentelemetry/resources';
import { DataPointType, type MetricData, type MetricProducer, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { explicitHistogram } from '../../../src/otel/histograms.ts';
import { DeviceProfile } from '../../../src/profile/device-profile.ts';

export interface BusyKernels {
  /** Each kernel runs so many times more. */
  run(times: number): void;
  /** As our producer collects them. */
  collect(): ResourceMetrics;
  readonly producer: MetricProducer;
}

const identity = {
  id: 'GPU-3f1e2d4c-9b8a-7c6d-5e4f-3a2b1c0d9e8f',
  backend: 'opencl',
  type: 'gpu',
  name: 'bench',
  index: 0,
} as const;

const descriptor = {
  name: 'accelmeter.kernel.duration',
  unit: 's',
  description: 'Device time of kernel executions, from start to end.',
  valueType: 1,
};
const scope = { name: 'accelmeter' };

/**
 * So many kernels that ran 2000 times each: log-normal about a time of their own, from a microsecond to a tenth of a
 * second, and one run in a hundred four times as long.
 */
export function busyKernels(count: number): BusyKernels {
  const profile = new DeviceProfile(identity, { maxKernels: count });
  const kernels = Array.from({ length: count }, (_, i) => profile.kernel(`kernel_${i}`));
  const resource = resourceFromAttributes({});

  function run(times: number): void {
    for (const [i, kernel] of kernels.entries()) {
      const typical = 1e-6 * 10 ** (5 * ((i * 0.618) % 1));
      for (let each = 0; each < times; each++) {
        const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
        kernel.record(typical * Math.exp(0.15 * normal) * (Math.random() < 0.01 ? 4 : 1));
      }
    }
  }

  function collect(): ResourceMetrics {
    const metric: MetricData = {
      descriptor,
      aggregationTemporality: 1,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: kernels.map(({ attributes, distribution }) => ({
        attributes,
        startTime: [1_700_000_000, 0],
        endTime: [1_700_000_060, 0],
        value: explicitHistogram(distribution, 0),
      })),
    };
    return { resource, scopeMetrics: [{ scope, metrics: [metric] }] };
  }

  run(2000);
  return { run, collect, producer: { collect: async () => ({ resourceMetrics: collect(), errors: [] }) } };
}
