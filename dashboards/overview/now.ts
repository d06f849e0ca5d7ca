/** The first row: whether anything is wrong, and how much is going on. What is wrong stands left and turns red. */
import { number, type Panel } from '../panels.ts';
import { by, chosen, everySource, growth, legendOf, orZero, perSecond, quantile } from '../queries.ts';

const size = { width: 3, height: 4 } as const;
const kernel = 'accelmeter.kernel.name';

export function now(): Panel[] {
  return [...wrong(), ...goingOn()];
}

function wrong(): Panel[] {
  return [
    number({
      ...size,
      width: 4,
      title: 'Sources down',
      description:
        'Sources of measurements that were asked for or found and do not deliver, and endpoints that Prometheus does ' +
        'not reach. What they would tell is missing here, not zero. Do: see which below; an endpoint: is the process ' +
        'alive? a source: run `accelmeter doctor` on that host.',
      unit: 'short',
      query: { expression: orZero(`count(${everySource()} == 0)`), legend: 'down' },
      thresholds: [[1, 'red']],
    }),
    number({
      ...size,
      title: 'Failures',
      description:
        'Kernel executions that failed in the range shown. Do: the panel Failures names the kernel and the error; ' +
        'out_of_memory and lost devices do not heal by themselves.',
      unit: 'short',
      query: {
        expression: orZero(`sum(${growth(chosen('accelmeter.kernel.failures'), '$__range')})`),
        legend: 'failures',
      },
      thresholds: [[1, 'red']],
    }),
    number({
      ...size,
      title: 'Records lost',
      description:
        'Kernels and copies in the range shown that ran and were not measured: a buffer was full, or the driver did ' +
        'not tell of them. Counts and rates below are too low by these. Do: look whether the event loop was blocked ' +
        'at that time.',
      unit: 'short',
      query: {
        expression: orZero(`sum(increase(${chosen('accelmeter.records.dropped')}[$__range]))`),
        legend: 'lost',
      },
      thresholds: [[1, 'orange']],
    }),
  ];
}

function goingOn(): Panel[] {
  return [
    number({
      ...size,
      title: 'Devices',
      description:
        'Devices that the chosen processes see; one that several processes share counts once. Fewer than before: a ' +
        'device went away or a driver was not found. Do: run `accelmeter doctor` on that host.',
      unit: 'short',
      query: { expression: `count(count ${by('hw.id')} (${chosen('accelmeter.device.info')}))`, legend: 'devices' },
      empty: 'none',
    }),
    number({
      ...size,
      title: 'Kernels/s',
      curve: true,
      description: 'Executions that ended, of the chosen kernels on the chosen devices, all processes together.',
      unit: 'ops',
      query: { expression: `sum(${perSecond(chosen('accelmeter.kernel.duration', 'count'))})`, legend: 'kernels' },
      empty: 'no kernel seen',
    }),
    number({
      ...size,
      width: 4,
      title: 'Slowest P99',
      description:
        'The kernel with the highest 99th percentile now. From buckets an octave wide: right to a factor of 1.4, ' +
        'usually better. Do: compare with its history below before calling it a regression.',
      unit: 's',
      query: {
        expression: `topk(1, ${quantile(0.99, 'accelmeter.kernel.duration', [kernel])})`,
        legend: legendOf(kernel),
      },
      named: true,
      empty: 'no kernel seen',
    }),
    number({
      ...size,
      width: 4,
      title: 'Event loop delay',
      description:
        '99th percentile of the delay of the event loop, in the worst process. A blocked loop submits no kernels, and ' +
        'the device waits. Do: above 100 ms look for synchronous work on the main thread.',
      unit: 's',
      query: { expression: `max(${chosen('nodejs.eventloop.delay.p99')})`, legend: 'delay' },
      thresholds: [
        [0.1, 'yellow'],
        [0.5, 'red'],
      ],
    }),
  ];
}
