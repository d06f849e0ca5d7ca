/** Which kernel got slower, on which device. */
import { lines, type Panel } from '../panels.ts';
import { by, chosen, growth, legendOf, named, perSecond, quantile, sumBy } from '../queries.ts';

const kernel = 'accelmeter.kernel.name';
const kernelOnDevice = [kernel, 'hw.name'] as const;
const legend = `${legendOf(kernel)} · ${legendOf('hw.name')}`;
const third = { width: 8, height: 9 } as const;
const noKernel = 'no kernel ran';

export function kernels(): Panel[] {
  return [...durations(), ...load()];
}

function durations(): Panel[] {
  const meaning = {
    0.5: 'Half of the executions took longer. A median that moves means the work or the clock changed for all of them.',
    0.95: 'One execution in twenty took longer. Rising while P50 stays: contention, other work on the device, or a mix of launch sizes.',
    0.99: 'One execution in a hundred took longer. Spikes here alone are often the first launch, a compilation or a throttled clock.',
  };
  return ([0.5, 0.95, 0.99] as const).map((q) =>
    lines({
      ...third,
      title: `Kernel time P${q * 100}`,
      description:
        `Device time from start to end, by kernel and kind of device, over all chosen processes. ${meaning[q]} ` +
        'Interpolated in buckets an octave wide, so right to a factor of 1.4 at worst; the exact percentiles of the ' +
        'last 1000 executions of a whole device are accelmeter_kernel_duration_p50_seconds and its kin.',
      unit: 's',
      logarithmic: true,
      queries: [{ expression: quantile(q, 'accelmeter.kernel.duration', kernelOnDevice), legend }],
      empty: noKernel,
    }),
  );
}

function load(): Panel[] {
  const calls = sumBy(kernelOnDevice, perSecond(chosen('accelmeter.kernel.duration', 'count')));
  const failures = growth(chosen('accelmeter.kernel.failures'), '$__rate_interval');
  const ran = chosen('accelmeter.kernel.duration', 'count');
  return [
    lines({
      ...third,
      title: 'Kernel throughput',
      description:
        'Executions a second by kernel. A drop with unchanged kernel times means that less was asked for, or that the ' +
        'host submits more slowly: compare with the event loop below.',
      unit: 'ops',
      queries: [{ expression: calls, legend }],
      empty: noKernel,
    }),
    lines({
      ...third,
      title: 'Busy time by kernel',
      description:
        'Seconds of kernels a second: what each kernel takes of the devices. The sum passes 100 % where kernels overlap ' +
        'or several devices are chosen. The thickest band is where an optimization pays.',
      unit: 'percentunit',
      draw: 'stack',
      queries: [{ expression: sumBy(kernelOnDevice, perSecond(chosen('accelmeter.kernel.duration', 'sum'))), legend }],
      empty: noKernel,
    }),
    lines({
      ...third,
      title: 'Failures',
      description:
        'Executions that failed, by kernel and error, in the window before each bar (a minute, longer where the range ' +
        'is long). Do: look the error up in the log of the process at that time; out_of_memory asks for smaller ' +
        'batches, a lost device for a drained host.',
      unit: 'short',
      draw: 'bars',
      reach: 1,
      queries: [
        {
          expression: `sum ${by(kernel, 'error.type')} (${failures}) or on () ${named(`0 * sum(${ran})`, kernel, 'none')}`,
          legend: `${legendOf(kernel)} ${legendOf('error.type')}`,
        },
      ],
      empty: noKernel,
    }),
  ];
}
