/** What the hardware of GPUs tells of itself, whoever uses them: one series a GPU, however many processes tell of it. */
import { lines, type Panel } from '../panels.ts';
import { chosen, fastestFan, growth, legendOf, ofGpu, once, perSecond, sumBy } from '../queries.ts';
import { gpuHealth } from './gpu-health.ts';

const third = { width: 8, height: 8 } as const;
const eachGpu = `${legendOf('hw.name')} #${legendOf('accelmeter.device.index')}`;
const empty = 'no GPU tells it';

export function gpus(): Panel[] {
  return [...use(), ...heat(), ...work(), link(), gpuHealth()];
}

function use(): Panel[] {
  return [
    lines({
      ...third,
      title: 'GPU utilization',
      description:
        'Share of time in which a kernel of anybody ran on the GPU, and in which its video encoder and decoder did. High ' +
        'beside a low utilization by device: others use it. How much of the GPU a kernel fills: see GPU activity.',
      unit: 'percentunit',
      reach: 1,
      queries: [
        {
          expression: once(chosen('hw.gpu.utilization'), 'hw.gpu.task'),
          legend: `${eachGpu} ${legendOf('hw.gpu.task')}`,
        },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU memory',
      description:
        'Memory in use by all processes and by those that are chosen here, dashed where it ends. Full from the start is an arena that takes all it gets; ' +
        'rising until it is full is a leak, or batches that grow.',
      unit: 'bytes',
      queries: [
        { expression: once(chosen('hw.gpu.memory.usage')), legend: eachGpu },
        {
          expression: sumBy(ofGpu, chosen('accelmeter.device.process.memory')),
          legend: `${eachGpu} by these processes`,
        },
        { expression: once(chosen('hw.gpu.memory.limit')), legend: `${eachGpu} limit`, limit: true },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU power',
      description:
        'What it draws, what it drew on average by the energy it counted, and dashed the limit. At the limit under full ' +
        'load is as it should be, unless the clock falls: see Throttled. Low power at high utilization: kernels wait for ' +
        'memory or for the host.',
      unit: 'watt',
      queries: [
        { expression: once(chosen('hw.power')), legend: eachGpu },
        { expression: once(perSecond(chosen('hw.energy'))), legend: `${eachGpu} by energy` },
        { expression: once(chosen('accelmeter.device.power.limit')), legend: `${eachGpu} limit`, limit: true },
      ],
      empty,
    }),
  ];
}

function heat(): Panel[] {
  const throttled = perSecond(chosen('accelmeter.device.throttle.time'));
  return [
    lines({
      ...third,
      title: 'GPU temperature',
      description:
        'Core and memory, dashed where the GPU is slowed down (throttled) and switched off (max); on the right the speed ' +
        'that is asked of its fastest fan. What counts is how far it is from its limit. Do: airflow, a fan, a neighbour that was moved.',
      unit: 'celsius',
      queries: [
        {
          expression: once(chosen('hw.temperature'), 'hw.sensor_location'),
          legend: `${eachGpu} ${legendOf('hw.sensor_location')}`,
        },
        {
          expression: once(chosen('hw.temperature.limit'), 'hw.limit_type'),
          legend: `${eachGpu} ${legendOf('hw.limit_type')}`,
          limit: true,
        },
        { expression: once(fastestFan()), legend: `${eachGpu} fan`, right: 'percentunit' },
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

/** What the parts of a GPU do. */
function work(): Panel[] {
  return [
    lines({
      ...third,
      title: 'GPU activity',
      description:
        'From Hopper on, of the whole GPU: SMs that were busy, warps on them over what they hold (occupancy), tensor cores and ' +
        'memory bandwidth in use. Busy with few SMs: kernels are too small. Memory near 100 %: it is the limit. Idle ' +
        'tensor cores under matrix products: wrong types or shapes. Before Hopper there is memory alone, as a share of time.',
      unit: 'percentunit',
      reach: 1,
      queries: [
        { expression: once(chosen('accelmeter.device.sm.utilization')), legend: `${eachGpu} SMs` },
        { expression: once(chosen('accelmeter.device.sm.occupancy')), legend: `${eachGpu} occupancy` },
        { expression: once(chosen('accelmeter.device.tensor.utilization')), legend: `${eachGpu} tensor cores` },
        { expression: once(chosen('accelmeter.device.memory.bandwidth.utilization')), legend: `${eachGpu} memory` },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'GPU clocks',
      description:
        'Of the SMs, the memory, graphics and video. Idle GPUs lower them. Lower than usual under load: power or ' +
        'heat holds it down (see Throttled), or somebody set it so (`nvidia-smi -q -d CLOCK`).',
      unit: 'hertz',
      queries: [
        {
          expression: once(chosen('accelmeter.device.clock'), 'accelmeter.clock.domain'),
          legend: `${eachGpu} ${legendOf('accelmeter.clock.domain')}`,
        },
      ],
      empty,
    }),
    lines({
      ...third,
      title: 'PCIe traffic',
      description:
        'Bytes a second that the GPU sent and received, by all processes. Near what the link can carry (about 32 GB/s for ' +
        '16 lanes of generation 4, 64 for 5): copies are the limit. More than Bytes transferred: others copy, or memory that ' +
        'is mapped is read across the link.',
      unit: 'Bps',
      queries: [
        {
          expression: once(perSecond(chosen('hw.gpu.io')), 'network.io.direction'),
          legend: `${eachGpu} ${legendOf('network.io.direction')}`,
        },
      ],
      empty,
    }),
  ];
}

/** Each generation doubles what a lane carries. */
function link(): Panel {
  const generations = `${chosen('accelmeter.device.pcie.link.generation')} - ${chosen('accelmeter.device.pcie.link.generation.max')}`;
  const lanes = `${chosen('accelmeter.device.pcie.link.width')} / ${chosen('accelmeter.device.pcie.link.width.max')}`;
  return lines({
    ...third,
    title: 'PCIe link',
    description:
      'What the link can carry, by generation and lanes, over the most that GPU and slot could; on the right packets ' +
      'that were repeated, per second. An idle link lowers its generation and wakes under load. Below 100 % under load, or ' +
      'replays: a riser, a dirty contact, a slot that is shared. Do: seat the card anew.',
    unit: 'percentunit',
    reach: 1,
    queries: [
      { expression: once(`2 ^ (${generations}) * ${lanes}`), legend: eachGpu },
      {
        expression: once(perSecond(chosen('accelmeter.device.pcie.replays'))),
        legend: `${eachGpu} replays`,
        right: 'ops',
      },
    ],
    empty,
  });
}
