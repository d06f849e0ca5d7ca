/** Copies of memory: how fast, how much, how long. */
import { lines, type Panel } from '../panels.ts';
import { by, chosen, legendOf, perSecond, quantile, sumBy, withDevice } from '../queries.ts';

const direction = 'accelmeter.transfer.direction';
const directionOnDevice = [direction, 'hw.name'] as const;
const legend = `${legendOf(direction)} · ${legendOf('hw.name')}`;
const third = { width: 8, height: 8 } as const;
const noTransfer = 'no copy seen';

export function transfers(): Panel[] {
  return [
    lines({
      ...third,
      title: 'Transfer bandwidth',
      description:
        'Bytes over the time in which copies ran, in the last interval that had any: how fast the link is when it is ' +
        'used, by the slowest process. Far below what the link gives: pageable memory, a degraded PCIe link, or copies too small to ' +
        'fill it.',
      unit: 'Bps',
      queries: [
        {
          expression: `min ${by(...directionOnDevice)} (${withDevice(chosen('accelmeter.transfer.bandwidth'))})`,
          legend,
        },
      ],
      empty: noTransfer,
    }),
    lines({
      ...third,
      title: 'Bytes transferred',
      description:
        'Bytes a second, idle time included. More than the program means to move: data that could stay on the device ' +
        'goes back and forth.',
      unit: 'Bps',
      queries: [{ expression: sumBy(directionOnDevice, perSecond(chosen('accelmeter.transfer.io'))), legend }],
      empty: noTransfer,
    }),
    lines({
      ...third,
      title: 'Transfer time P95',
      description:
        'One copy in twenty took longer, from start to end. Rising with unchanged bytes: the link or the host memory is ' +
        'contended. From buckets an octave wide.',
      unit: 's',
      logarithmic: true,
      queries: [{ expression: quantile(0.95, 'accelmeter.transfer.duration', directionOnDevice), legend }],
      empty: noTransfer,
    }),
  ];
}
