/** What is seen at all, and how busy each device is. */
import { lines, type Panel, upOrDown } from '../panels.ts';
import { by, chosen, everySource, legendOf, quantile, withDevice } from '../queries.ts';

const eachDevice = `${legendOf('hw.name')} #${legendOf('accelmeter.device.index')} ${legendOf('instance')}`;

export function devices(): Panel[] {
  const up = everySource();
  const ofService = `min ${by('accelmeter.source', 'job')} (${up})`;
  const down = `min ${by('accelmeter.source', 'instance')} (${up}) == 0`;
  return [
    upOrDown({
      title: 'Sources',
      description:
        'What the measurements come from, and the endpoints that are scraped. One row of each service, red while any of ' +
        'its processes lacks it, and one more row for each process that does. Do: `accelmeter doctor` on that host says why and what mends it.',
      width: 8,
      height: 8,
      unit: 'short',
      query: {
        expression: `${ofService} or (${down})`,
        legend: `${legendOf('accelmeter.source')} ${legendOf('job')} ${legendOf('instance')}`,
      },
    }),
    lines({
      title: 'Utilization by device',
      description:
        'Share of time in which a kernel of the process ran on the device; overlapping kernels count once. On a CPU, ' +
        'the CPU time of the process over all cores. Low with a long queue: launches are too small or wait for the ' +
        'host. Near 100 %: the device is the limit.',
      width: 8,
      height: 8,
      unit: 'percentunit',
      reach: 1,
      queries: [{ expression: withDevice(chosen('accelmeter.device.utilization')), legend: eachDevice }],
      empty: 'no interval yet',
    }),
    lines({
      title: 'Queue wait by device',
      description:
        'From the moment a kernel was queued to its start. Waiting because the program launches ahead is healthy; ' +
        'waiting longer than kernels run, with requests in line, is a device that is too small or a queue that is ' +
        'shared by too many. From buckets an octave wide.',
      width: 8,
      height: 8,
      unit: 's',
      logarithmic: true,
      queries: [0.5, 0.95].map((q) => ({
        expression: quantile(q, 'accelmeter.kernel.queue.duration', ['hw.name']),
        legend: `P${q * 100} ${legendOf('hw.name')}`,
      })),
      empty: 'no kernel with a queue seen',
    }),
  ];
}
