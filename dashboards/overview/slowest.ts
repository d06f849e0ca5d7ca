/** The table of kernels: what each costs now, slowest first. */
import type { Panel } from '../panels.ts';
import { chosen, growth, perSecond, quantile, sumBy } from '../queries.ts';
import { type Column, rows } from '../tables.ts';

const kernelOnDevice = ['accelmeter.kernel.name', 'hw.name'] as const;
const ofKernels = (expression: string) => sumBy(kernelOnDevice, expression);
const calls = perSecond(chosen('accelmeter.kernel.duration', 'count'));
const busy = perSecond(chosen('accelmeter.kernel.duration', 'sum'));

const ran = `${ofKernels(calls)} > 0`;
const columns: readonly Column[] = [
  { title: 'Calls/s', expression: ran, unit: 'ops' },
  { title: 'Mean', expression: `${ofKernels(busy)} / (${ran})`, unit: 's' },
  { title: 'P50', expression: quantile(0.5, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'P95', expression: quantile(0.95, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'P99', expression: quantile(0.99, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'Busy', expression: ofKernels(busy), unit: 'percentunit', bar: 1 },
  {
    title: 'Failed',
    expression: `${ofKernels(growth(chosen('accelmeter.kernel.failures'), '$__range'))} or 0 * ${ofKernels(calls)}`,
    unit: 'short',
    thresholds: [[1, 'red']],
  },
];

export function slowestKernels(): Panel {
  return rows({
    title: 'Slowest kernels',
    description:
      'Each kernel on each kind of device now, over all chosen processes; failures are those of the range shown. ' +
      'Slow and busy is where an optimization pays; slow and rare is where a request waits. Mean is exact, percentiles ' +
      'are interpolated in buckets an octave wide (right to a factor of 1.4 at worst). "other" is what had no place of its own. ' +
      'Do: click a kernel to see it alone.',
    width: 24,
    height: 8,
    unit: 'short',
    empty: 'no kernel ran in the last minute',
    labels: [
      {
        title: 'Kernel',
        source: 'accelmeter.kernel.name',
        properties: [
          { id: 'custom.minWidth', value: 160 },
          { id: 'links', value: [{ title: 'Show only this kernel', url: onlyThisKernel }] },
        ],
      },
      { title: 'Device', source: 'hw.name', properties: [{ id: 'custom.minWidth', value: 160 }] },
    ],
    columns,
    sortedBy: 'P95',
  });
}

/** A link to this dashboard as it stands, with all but this kernel left out. */
const onlyThisKernel = [
  `/d/\${__dashboard.uid}?\${__url_time_range}`,
  ...['datasource', 'job', 'instance', 'backend', 'device'].map((variable) => `\${${variable}:queryparam}`),
  `var-kernel=\${__value.raw:percentencode}`,
].join('&');
