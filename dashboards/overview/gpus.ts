/** What the hardware of GPUs tells of itself, whoever uses them: one series a GPU, however many processes tell of it. */
import { lines, type Panel } from '../panels.ts';
import { by, chosen, growth, legendOf, perSecond, withDevice } from '../queries.ts';
import type { LabelSource } from '../series.ts';

const third = { width: 8, height: 8 } as const;
const gpu = ['hw.id', 'hw.name', 'accelmeter.device.index'] as const;
const eachGpu = `${legendOf('hw.name')} #${legendOf('accelmeter.device.index')}`;
const empty = 'no GPU tells it';

/** Each process tells the same of a GPU that several use: the greatest is one of them. */
const once = (expression: string, ...more: readonly LabelSource[]) =>
  `max ${by(...gpu, ...more)} (${withDevice(expression)})`;

export function gpus(): Panel[] {
  return [...use(), ...health()];
}

function use(): Panel[] {
  return [
    lines({
      ...third,
      title: 'GPU utilization',
      description:
        'Share of time in which a kernel of anybody ran on the GPU, and from Hopper on how many of its SMs were busy. High ' +
        'beside a low utilization by device: others use it. A GPU that is busy with few SMs has kernels that are too small.',
      unit: 'percentunit',
      reach: 1,
      queries: [
        { expression: once(chosen('hw.gpu.utilization')), legend: eachGpu },
        { expression: once(chosen('accelmeter.device.sm.utilization')), legend: `${eachGpu} SMs` },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU memory',
      description:
        'Memory in use by all processes, dashed where it ends. Full from the start is an arena that takes all it gets; ' +
        'rising until it is full is a leak, or batches that grow.',
      unit: 'bytes',
      queries: [
        { expression: once(chosen('hw.gpu.memory.usage')), legend: eachGpu },
        { expression: once(chosen('hw.gpu.memory.limit')), legend: `${eachGpu} limit` },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU power',
      description:
        'What it draws, and the limit. At the limit under full load is as it should be, unless the clock falls: see ' +
        'Throttled. Low power at high utilization: kernels wait for memory or for the host.',
      unit: 'watt',
      queries: [
        { expression: once(chosen('hw.power')), legend: eachGpu },
        { expression: once(chosen('accelmeter.device.power.limit')), legend: `${eachGpu} limit` },
      ],
      empty,
    }),
  ];
}

function health(): Panel[] {
  const throttled = perSecond(chosen('accelmeter.device.throttle.time'));
  return [
    lines({
      ...third,
      title: 'GPU temperature',
      description:
        'Core and memory. What counts is how far it is from its own limit, from which it slows down: compare with ' +
        'Throttled. Do: airflow, a fan, a neighbour that was moved.',
      unit: 'celsius',
      queries: [
        {
          expression: once(chosen('hw.temperature'), 'hw.sensor_location'),
          legend: `${eachGpu} ${legendOf('hw.sensor_location')}`,
        },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'Throttled',
      description:
        'Share of time in which the clock was held down, by reason. Thermal reasons ask for cooling, a power brake for the ' +
        'power supply; power alone is a card at its limit.',
      unit: 'percentunit',
      reach: 1,
      queries: [
        {
          expression: once(throttled, 'accelmeter.throttle.reason'),
          legend: `${eachGpu} ${legendOf('accelmeter.throttle.reason')}`,
        },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU errors',
      description:
        'Memory errors, corrected or not, and XIDs by number, in the window before each bar. Do: uncorrected ones and ' +
        'critical XIDs (48, 62, 64, 74, 79, 95, 119, 120) ask to drain the host; 13, 31 and 43 are the program’s own.',
      unit: 'short',
      draw: 'bars',
      reach: 1,
      queries: [
        {
          expression: `${once(growth(chosen('hw.errors'), '$__rate_interval'), 'error.type')} > 0`,
          legend: `${eachGpu} ${legendOf('error.type')}`,
        },
      ],
      empty: 'none, or no GPU tells it',
    }),
  ];
}
