/**
 * Every metric once, as data. The producer, `docs/METRICS.md`, the dashboards and the golden list of Prometheus
 * names are derived from this file or checked against it.
 *
 * Units are UCUM. `1` is only for ratios from 0 to 1; counts and states carry an annotation in braces. Names under
 * `hw.`, `process.`, `nodejs.` and `v8js.` are OpenTelemetry's (semantic conventions 1.45, status Development).
 */
import type { TransferDirection } from './activity.ts';
import type { BottleneckCode } from './analyzer/finding.ts';
import type { Distribution } from './distribution/distribution.ts';

/** Attributes of points, with the values they can take. */
export interface AttributeValues {
  'accelmeter.bottleneck.code': BottleneckCode;
  'accelmeter.clock.domain': 'graphics' | 'sm' | 'memory' | 'video';
  'accelmeter.device.mig.profile': string;
  'accelmeter.device.pci.address': string;
  'accelmeter.kernel.name': string;
  'accelmeter.metric.name': string;
  'accelmeter.metric.unit': string;
  'accelmeter.quantile': 'p95' | 'p99';
  'accelmeter.reason':
    | 'conflicting_type'
    | 'delta'
    | 'duplicate_series'
    | 'histogram_series'
    | 'no_name'
    | 'reserved_name';
  'accelmeter.source': string;
  'accelmeter.stage': 'drain' | 'sample' | 'analyse' | 'collect' | 'replay' | 'serialise';
  'accelmeter.throttle.reason': 'power' | 'sw_thermal' | 'hw_thermal' | 'power_brake' | 'sync_boost';
  'accelmeter.transfer.direction': TransferDirection;
  'accelmeter.version': string;
  'cpu.mode': 'user' | 'system';
  'error.type': string;
  'hw.driver_version': string;
  'hw.gpu.task': 'general' | 'encoder' | 'decoder';
  'hw.id': string;
  'hw.limit_type': 'throttled' | 'max';
  'hw.name': string;
  'hw.parent': string;
  'hw.sensor_location': 'core' | 'memory';
  'hw.state': 'ok' | 'degraded' | 'failed';
  'hw.type': 'fan';
  'hw.vendor': string;
  'network.io.direction': 'transmit' | 'receive';
  'accelmeter.device.index': number;
  'process.runtime.version': string;
  'v8js.gc.type': 'minor' | 'incremental' | 'major' | 'weakcb';
  'v8js.heap.space.name': string;
}
export type AttributeName = keyof AttributeValues;

/**
 * XIDs after which a device cannot be relied on, by the numbers of NVIDIA's driver: 48 double-bit memory error, 62 and 120
 * its controllers halted, 64 a row could not be remapped, 74 NVLink, 79 it fell off the bus, 95 uncontained memory error,
 * 119 its firmware does not answer. Others are the program's own (13, 31, 43), warnings (94), or for information (63, 92).
 */
export const criticalXids = [48, 62, 64, 74, 79, 95, 119, 120] as const;

/** On every point about a device, beside the attributes of its metric. */
export const deviceAttributes = ['hw.id', 'hw.type', 'accelmeter.backend'] as const;

export interface Metric {
  readonly instrument: 'gauge' | 'counter' | 'updowncounter' | 'histogram';
  readonly unit: string;
  /** One sentence; the description of the instrument and the HELP of the family. */
  readonly brief: string;
  /** What its points are about: one device (they carry `deviceAttributes`), the process, or accelmeter itself. */
  readonly about: 'device' | 'process' | 'self';
  /** `reading`: polled by a backend. `work`: computed from activities. `self`: kept by the profiler. */
  readonly from: 'reading' | 'work' | 'self';
  /**
   * What the processes of a cluster make of it together: `sum` adds up, `max` takes the greatest, `once` takes one of
   * them, `each` tells them apart by `process.pid`. Where it is not said: counters and histograms add up, gauges are told apart, and what a
   * backend reads of a device is taken once, of counters the greatest; all that is about the process is told apart.
   */
  readonly inCluster?: 'sum' | 'max' | 'once' | 'each';
  /** Attributes that every point has. */
  readonly attributes: readonly AttributeName[];
  /** Attributes that a point may lack. */
  readonly optional?: readonly AttributeName[];
}

const deviceWork = { about: 'device', from: 'work' } as const;
const deviceSelf = { about: 'device', from: 'self' } as const;
const deviceReading = { about: 'device', from: 'reading' } as const;
const processReading = { about: 'process', from: 'reading' } as const;
const self = { about: 'self', from: 'self' } as const;

export const catalogue = {
  // Devices
  'accelmeter.device.info': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '{device}',
    brief: 'Identity of a device; always 1.',
    inCluster: 'once',
    attributes: ['hw.name', 'accelmeter.device.index'],
    optional: [
      'hw.vendor',
      'hw.driver_version',
      'hw.parent',
      'accelmeter.device.mig.profile',
      'accelmeter.device.pci.address',
    ],
  },
  'hw.gpu.memory.usage': {
    ...deviceReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Memory of a GPU in use, by whatever process; only where its driver tells.',
    attributes: [],
  },
  'hw.gpu.memory.limit': {
    ...deviceReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Size of the memory of a GPU.',
    attributes: [],
  },
  'hw.gpu.utilization': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Share of time in which a GPU was busy, by whatever process: of the last second or less; its encoders too.',
    attributes: [],
    optional: ['hw.gpu.task'],
  },
  'hw.gpu.memory.utilization': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Memory of a GPU in use over its size.',
    attributes: [],
  },
  'accelmeter.device.memory.free': {
    ...deviceReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief:
      'Memory of a GPU that is free; with what is in use it is less than the size, by what the driver keeps for itself.',
    attributes: [],
  },
  'accelmeter.device.process.memory': {
    ...deviceReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief:
      'Memory of a GPU that this process has in use, as its driver tells. Absent where a container hides its process ' +
      'number from the driver.',
    inCluster: 'sum',
    attributes: [],
  },
  'hw.gpu.io': {
    ...deviceReading,
    instrument: 'counter',
    unit: 'By',
    brief: 'Bytes over PCIe: what the GPU sent, and what it received.',
    attributes: ['network.io.direction'],
  },
  'hw.temperature': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 'Cel',
    brief: 'Temperature of a GPU.',
    attributes: ['hw.sensor_location'],
  },
  'hw.temperature.limit': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 'Cel',
    brief: 'Temperature from which a GPU is slowed down (throttled), and at which it is switched off (max).',
    attributes: ['hw.limit_type'],
  },
  'hw.power': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 'W',
    brief: 'Power that a GPU draws, on most of them the average of a second.',
    attributes: [],
  },
  'hw.energy': {
    ...deviceReading,
    instrument: 'counter',
    unit: 'J',
    brief: 'Energy that a GPU has used.',
    attributes: [],
  },
  'hw.fan.speed_ratio': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Speed that is asked of a fan over the greatest that it has.',
    attributes: [],
    optional: ['hw.id', 'hw.type', 'hw.parent'],
  },
  'hw.errors': {
    ...deviceReading,
    instrument: 'counter',
    unit: '{error}',
    brief:
      'Errors that a GPU told of: of its memory, corrected or not, and XIDs by number. Critical ones are there from the start, so that a first one is seen.',
    attributes: ['error.type'],
  },
  'hw.status': {
    ...deviceReading,
    instrument: 'updowncounter',
    unit: '{state}',
    brief:
      'State of a GPU, one of which is 1: failed for errors that it could not correct or that need a reset, degraded while heat or power supply slow it down.',
    attributes: ['hw.state'],
  },
  'accelmeter.device.xid.last': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{code}',
    brief: 'The last XID, an error number of the NVIDIA driver; absent before the first.',
    attributes: [],
  },
  'accelmeter.device.xid.last.time': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 's',
    brief: 'When the last XID came, in seconds since 1970.',
    attributes: [],
  },
  'accelmeter.device.power.limit': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 'W',
    brief: 'Power that a GPU may draw.',
    attributes: [],
  },
  'accelmeter.device.clock': {
    ...deviceReading,
    instrument: 'gauge',
    unit: 'Hz',
    brief: 'Clock of a part of a GPU.',
    attributes: ['accelmeter.clock.domain'],
  },
  'accelmeter.device.clock.ratio': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief:
      'Clock of the SMs of a busy GPU, over the highest that it had while busy and not held down. Absent while it is idle, and before that was seen.',
    attributes: [],
  },
  'accelmeter.device.throttled': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'Whether a GPU is held below its clock now, and why: 1, or 0.',
    attributes: ['accelmeter.throttle.reason'],
  },
  'accelmeter.device.throttle.time': {
    ...deviceReading,
    instrument: 'counter',
    unit: 's',
    brief: 'Time for which a GPU was held below its clock, by reason.',
    attributes: ['accelmeter.throttle.reason'],
  },
  'accelmeter.device.memory.bandwidth.utilization': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief:
      'Share of the bandwidth of its memory that a GPU used; before Hopper the share of time in which it used it at all.',
    attributes: [],
  },
  'accelmeter.device.sm.utilization': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Share of the SMs of a GPU that were busy, since the sample before.',
    attributes: [],
  },
  'accelmeter.device.sm.occupancy': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Warps on the SMs of a GPU over the most that they can hold, since the sample before.',
    attributes: [],
  },
  'accelmeter.device.tensor.utilization': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Share of time in which the tensor cores of a GPU were busy, since the sample before.',
    attributes: [],
  },
  'accelmeter.device.pcie.link.generation': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{generation}',
    brief: 'Generation at which the PCIe link of a GPU runs; idle ones let it sleep.',
    attributes: [],
  },
  'accelmeter.device.pcie.link.generation.max': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{generation}',
    brief: 'The highest generation that the link of a GPU and its slot can have.',
    attributes: [],
  },
  'accelmeter.device.pcie.link.width': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{lane}',
    brief: 'Lanes of the PCIe link of a GPU.',
    attributes: [],
  },
  'accelmeter.device.pcie.link.width.max': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{lane}',
    brief: 'The most lanes that the link of a GPU and its slot can have.',
    attributes: [],
  },
  'accelmeter.device.pcie.replays': {
    ...deviceReading,
    instrument: 'counter',
    unit: '{replay}',
    brief: 'Packets that the PCIe link of a GPU had to repeat.',
    attributes: [],
  },
  'accelmeter.device.memory.remapped': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{row}',
    brief: 'Rows of memory that a GPU replaced by spare ones, for errors that it corrected or not.',
    attributes: ['error.type'],
  },
  'accelmeter.device.memory.remapping.pending': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'Whether memory of a GPU waits for a reset to be replaced: 1, or 0.',
    attributes: [],
  },
  'accelmeter.device.memory.remapping.failed': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'Whether memory of a GPU could not be replaced: 1, or 0. It should be exchanged.',
    attributes: [],
  },
  'accelmeter.device.memory.retired': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{page}',
    brief: 'Pages of memory that a GPU no longer uses; before Ampere, which remaps rows.',
    attributes: ['error.type'],
  },
  'accelmeter.device.recovery.action': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{action}',
    brief:
      'What the driver asks for to recover a GPU: 0 nothing, 1 a reset, 2 a reboot, 3 to drain peers, 4 to drain and reset.',
    attributes: [],
  },
  'accelmeter.device.thermal.state': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'How warm the machine is, as macOS tells it: 0 nominal, 1 fair, 2 serious, 3 critical.',
    attributes: [],
  },
  'accelmeter.device.queue.depth': {
    ...deviceReading,
    instrument: 'gauge',
    unit: '{command}',
    brief: 'Commands that this process has enqueued on the device and that have not ended yet.',
    inCluster: 'sum',
    attributes: [],
  },
  'accelmeter.device.busy': {
    ...deviceWork,
    instrument: 'counter',
    unit: 's',
    brief: 'Time during which at least one kernel of this process ran on the device.',
    attributes: [],
  },
  'accelmeter.device.utilization': {
    ...deviceWork,
    instrument: 'gauge',
    unit: '1',
    brief:
      'Share of the last interval in which a kernel of this process ran; on a CPU, the process CPU time over all cores.',
    inCluster: 'sum',
    attributes: [],
  },

  'accelmeter.device.failures': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{failure}',
    brief:
      'Kernel executions, transfers, compilations and allocations that failed. There from the start, so that a first one is seen.',
    attributes: [],
  },

  // Work
  'accelmeter.kernel.duration': {
    ...deviceWork,
    instrument: 'histogram',
    unit: 's',
    brief: 'Device time of kernel executions, from start to end.',
    attributes: ['accelmeter.kernel.name'],
  },
  'accelmeter.kernel.duration.p50': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: 'Median of the last 1000 kernel executions on the device, exact. For looking, not for alerting.',
    attributes: [],
  },
  'accelmeter.kernel.duration.p95': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: '95th percentile of the last 1000 kernel executions on the device, exact. For looking, not for alerting.',
    attributes: [],
  },
  'accelmeter.kernel.duration.p99': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: '99th percentile of the last 1000 kernel executions on the device, exact. For looking, not for alerting.',
    attributes: [],
  },
  'accelmeter.kernel.duration.stddev': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: 'Standard deviation of the last 1000 kernel executions on the device.',
    attributes: [],
  },
  'accelmeter.kernel.window.age': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: 'Age of the oldest of the last 1000 kernel executions that the percentiles are taken from.',
    attributes: [],
  },
  'accelmeter.kernel.objective': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 's',
    brief: 'Longest time that the operator allows a kernel at this quantile; only where one is set.',
    inCluster: 'once',
    attributes: ['accelmeter.kernel.name', 'accelmeter.quantile'],
  },
  'accelmeter.kernel.objective.exceeded': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{execution}',
    brief: 'Successful kernel executions that took longer than the objective of this quantile.',
    attributes: ['accelmeter.kernel.name', 'accelmeter.quantile'],
  },
  'accelmeter.kernel.queue.duration': {
    ...deviceWork,
    instrument: 'histogram',
    unit: 's',
    brief: 'Time that kernel executions waited, from being queued to their start.',
    attributes: [],
  },
  'accelmeter.kernel.failures': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{failure}',
    brief: 'Kernel executions that failed.',
    attributes: ['accelmeter.kernel.name', 'error.type'],
  },
  'accelmeter.kernel.compilation.duration': {
    ...deviceWork,
    instrument: 'histogram',
    unit: 's',
    brief: 'Time spent compiling programs for the device.',
    attributes: [],
  },
  'accelmeter.kernel.compilation.failures': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{failure}',
    brief: 'Compilations of programs that failed.',
    attributes: ['error.type'],
  },
  'accelmeter.kernel.names.other': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{name}',
    brief: 'Kernel names that got no distribution of their own and count as "other".',
    attributes: [],
  },
  'accelmeter.transfer.duration': {
    ...deviceWork,
    instrument: 'histogram',
    unit: 's',
    brief: 'Time of memory transfers, from start to end.',
    attributes: ['accelmeter.transfer.direction'],
  },
  'accelmeter.transfer.io': {
    ...deviceWork,
    instrument: 'counter',
    unit: 'By',
    brief: 'Bytes transferred.',
    attributes: ['accelmeter.transfer.direction'],
  },
  'accelmeter.transfer.bandwidth': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 'By/s',
    brief: 'Bytes transferred over the time in which transfers ran, of the last interval; absent where it had none.',
    attributes: ['accelmeter.transfer.direction'],
  },
  'accelmeter.transfer.failures': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{failure}',
    brief: 'Memory transfers that failed.',
    attributes: ['accelmeter.transfer.direction', 'error.type'],
  },
  'accelmeter.memory.allocations': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{allocation}',
    brief: 'Allocations of device memory by this process.',
    attributes: [],
  },
  'accelmeter.memory.allocated': {
    ...deviceWork,
    instrument: 'counter',
    unit: 'By',
    brief: 'Device memory allocated by this process since it began.',
    attributes: [],
  },
  'accelmeter.memory.usage': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 'By',
    brief: 'Device memory that this process holds, by its own account of allocations.',
    inCluster: 'sum',
    attributes: [],
  },
  'accelmeter.memory.peak': {
    ...deviceWork,
    instrument: 'gauge',
    unit: 'By',
    brief: 'The most device memory that this process held at once.',
    inCluster: 'sum',
    attributes: [],
  },
  'accelmeter.memory.failures': {
    ...deviceWork,
    instrument: 'counter',
    unit: '{failure}',
    brief: 'Allocations of device memory that failed.',
    attributes: ['error.type'],
  },
  'accelmeter.custom': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '',
    brief: 'Values reported by the program itself through device.report.',
    attributes: ['accelmeter.metric.name'],
    optional: ['accelmeter.metric.unit'],
  },
  'accelmeter.custom.dropped': {
    ...deviceSelf,
    instrument: 'counter',
    unit: '{report}',
    brief: 'Calls of device.report that found no place among the names.',
    attributes: [],
  },
  'accelmeter.records.rejected': {
    ...deviceSelf,
    instrument: 'counter',
    unit: '{record}',
    brief: 'Records whose time, size or value was negative, infinite or not a number; they change no other statistic.',
    attributes: [],
  },

  // Analysis
  'accelmeter.bottleneck.active': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'Whether the device has this bottleneck: 1, or 0. There from the start for every rule that applies to it.',
    inCluster: 'max',
    attributes: ['accelmeter.bottleneck.code'],
  },
  'accelmeter.bottleneck.observed': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '',
    brief: "What was observed of a bottleneck that is active, at its worst, in the rule's unit.",
    attributes: ['accelmeter.bottleneck.code'],
  },
  'accelmeter.bottleneck.threshold': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '',
    brief: "The threshold that a bottleneck that is active has passed, in the rule's unit.",
    attributes: ['accelmeter.bottleneck.code'],
  },
  'accelmeter.regressions': {
    ...deviceSelf,
    instrument: 'counter',
    unit: '{regression}',
    brief: 'How often a kernel became slower than it was before, of the kernels that take most of the time.',
    attributes: ['accelmeter.kernel.name'],
  },
  'accelmeter.findings.suppressed': {
    ...deviceSelf,
    instrument: 'counter',
    unit: '{finding}',
    brief: 'Bottlenecks and regressions that were not raised because they are silenced.',
    attributes: [],
  },
  'accelmeter.health.score': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '1',
    brief:
      'How healthy a device is over the last intervals, as getHealthSnapshot says. Only where ' +
      'ACCELMETER_EXTRA_METRICS names "health", and where something is known that counts.',
    attributes: [],
  },

  'accelmeter.trend.ratio': {
    ...deviceSelf,
    instrument: 'gauge',
    unit: '',
    brief:
      'Mean time of a kernel in the newer half of the last intervals over that in the older half, noise included. Only ' +
      'where ACCELMETER_EXTRA_METRICS names "trend", of kernels that take much of the time.',
    attributes: ['accelmeter.kernel.name'],
  },

  // The process
  'process.cpu.time': {
    ...processReading,
    instrument: 'counter',
    unit: 's',
    brief: 'CPU time of the process.',
    attributes: ['cpu.mode'],
  },
  'process.cpu.utilization': {
    ...processReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'CPU time of the process over elapsed time and available cores, since the last measurement.',
    attributes: ['cpu.mode'],
  },
  'process.memory.usage': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Physical memory in use by the process.',
    attributes: [],
  },
  'process.memory.virtual': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Virtual memory committed by the process.',
    attributes: [],
  },
  'accelmeter.process.memory.peak': {
    ...processReading,
    instrument: 'gauge',
    unit: 'By',
    brief: 'The most physical memory that the process had in use.',
    attributes: [],
  },
  'process.thread.count': {
    ...processReading,
    instrument: 'updowncounter',
    unit: '{thread}',
    brief: 'Threads of the process.',
    attributes: [],
  },
  'accelmeter.process.cpu.waiting': {
    ...processReading,
    instrument: 'gauge',
    unit: '1',
    brief:
      'Share of the time in which the main thread was ready to run and waited for a core, which others held. On Linux.',
    attributes: [],
  },
  'process.uptime': {
    ...processReading,
    instrument: 'gauge',
    unit: 's',
    brief: 'Time that the process has been running.',
    attributes: [],
  },
  'nodejs.eventloop.utilization': {
    ...processReading,
    instrument: 'gauge',
    unit: '1',
    brief: 'Share of time that the event loop was busy, since the last measurement.',
    attributes: [],
  },
  'nodejs.eventloop.delay.p50': {
    ...processReading,
    instrument: 'gauge',
    unit: 's',
    brief: 'Median delay of the event loop since the last measurement.',
    attributes: [],
  },
  'nodejs.eventloop.delay.p99': {
    ...processReading,
    instrument: 'gauge',
    unit: 's',
    brief: '99th percentile of the delay of the event loop since the last measurement.',
    attributes: [],
  },
  'nodejs.eventloop.delay.max': {
    ...processReading,
    instrument: 'gauge',
    unit: 's',
    brief: 'Longest delay of the event loop since the last measurement.',
    attributes: [],
  },
  'v8js.gc.duration': {
    ...processReading,
    instrument: 'histogram',
    unit: 's',
    brief: 'Time that garbage collections took, by type; their number is its count.',
    attributes: ['v8js.gc.type'],
  },
  'v8js.memory.heap.used': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: "Memory in use in a space of V8's heap.",
    attributes: ['v8js.heap.space.name'],
  },
  'v8js.memory.heap.space.size': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Memory that V8 set aside for a space of its heap; it grows and shrinks, and is no limit.',
    attributes: ['v8js.heap.space.name'],
  },
  'accelmeter.process.heap.usage': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: "Memory in use in V8's heap as a whole. Buffers are outside of it.",
    attributes: [],
  },
  'accelmeter.process.heap.limit': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: "Size at which V8's heap is full and the process ends, as --max-old-space-size sets it.",
    attributes: [],
  },
  'accelmeter.container.memory.usage': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief:
      'Memory of the control group that limits the process, all of its processes together, without file pages that ' +
      'can be dropped at once. Only where there is a limit.',
    attributes: [],
  },
  'accelmeter.container.memory.limit': {
    ...processReading,
    instrument: 'updowncounter',
    unit: 'By',
    brief: 'Memory at which the process or a neighbour in its control group is killed: the smallest limit above it.',
    attributes: [],
  },
  'accelmeter.threadpool.utilization': {
    ...processReading,
    instrument: 'gauge',
    unit: '1',
    brief:
      "Share of libuv's worker threads that had a task, waiting ones included, on average since the last measurement. " +
      'Tasks are file access, DNS lookups, crypto, zlib and addons; lookups are given half of the threads at most.',
    attributes: [],
  },
  'accelmeter.threadpool.size': {
    ...processReading,
    instrument: 'updowncounter',
    unit: '{thread}',
    brief: 'Worker threads that libuv has, or will have once the first task needs one; UV_THREADPOOL_SIZE sets it.',
    attributes: [],
  },
  'accelmeter.threadpool.queue.duration': {
    ...processReading,
    instrument: 'gauge',
    unit: 's',
    brief:
      'How long the last trivial task waited for a worker thread, or waits by now. Only time in which the event loop ' +
      'itself waited counts, so that a blocked loop is not taken for a full pool.',
    attributes: [],
  },

  // accelmeter itself
  'accelmeter.source.up': {
    ...self,
    instrument: 'gauge',
    unit: '{state}',
    brief: 'Whether a source that was asked for or found delivers: 1, or 0.',
    attributes: ['accelmeter.source'],
  },
  'accelmeter.page.age': {
    ...self,
    instrument: 'gauge',
    unit: 's',
    brief:
      'Age of this page: more than a second where the last one had to do, since the event loop was blocked or many scrape.',
    inCluster: 'once',
    attributes: [],
  },
  'accelmeter.source.failures': {
    ...self,
    instrument: 'counter',
    unit: '{failure}',
    brief: 'Failed samples and drains of a source, by kind.',
    attributes: ['accelmeter.source', 'error.type'],
  },
  'accelmeter.sample.duration': {
    ...self,
    instrument: 'gauge',
    unit: 's',
    brief: 'How long the last sampling of a source took.',
    attributes: ['accelmeter.source'],
  },
  'accelmeter.records.dropped': {
    ...self,
    instrument: 'counter',
    unit: '{record}',
    brief:
      'Kernels and copies that ran and are in no statistic: a buffer was full, or the driver did not tell of them.',
    attributes: ['accelmeter.source'],
  },
  'accelmeter.bridge.pending': {
    ...self,
    instrument: 'gauge',
    unit: '{record}',
    brief: 'Times that the API bridge has not handed to the SDK yet; only where a bridge is attached.',
    attributes: [],
  },
  'accelmeter.self.time': {
    ...self,
    instrument: 'counter',
    unit: 's',
    brief: 'Time that accelmeter itself used on the main thread, by stage.',
    attributes: ['accelmeter.stage'],
  },
  'accelmeter.events.lost': {
    ...self,
    instrument: 'counter',
    unit: '{event}',
    brief: 'Events that did not reach their OTLP receiver: there was no room for more, or it refused them.',
    attributes: [],
  },
  'accelmeter.export.dropped': {
    ...self,
    instrument: 'gauge',
    unit: '{metric}',
    brief:
      'Metrics that a page for Prometheus cannot have, or not whole, by the reason; only on such a page, once there was one.',
    attributes: ['accelmeter.reason'],
  },
  'accelmeter.governor.level': {
    ...self,
    instrument: 'gauge',
    unit: '{level}',
    brief: 'How far accelmeter has slowed down to stay within its budget: 0 is full speed, each step halves sampling.',
    attributes: [],
  },
  'accelmeter.build.info': {
    ...self,
    instrument: 'gauge',
    unit: '{build}',
    brief: 'Version of accelmeter and of Node.js; always 1.',
    inCluster: 'once',
    attributes: ['accelmeter.version', 'process.runtime.version'],
  },
} as const satisfies Record<string, Metric>;

type Catalogue = typeof catalogue;
/** The name of a metric of the catalogue. */
export type MetricName = keyof Catalogue;

type OptionalOf<N extends MetricName> = Catalogue[N] extends { readonly optional: readonly (infer A)[] } ? A : never;
/** The attributes that a point of metric `N` carries beside `deviceAttributes`. */
export type AttributesOf<N extends MetricName> = {
  readonly [A in Catalogue[N]['attributes'][number]]: AttributeValues[A];
} & { readonly [A in OptionalOf<N> & AttributeName]?: AttributeValues[A] };

type NamesWhere<Shape> = { [N in MetricName]: Catalogue[N] extends Shape ? N : never }[MetricName];
/** The name of a metric whose points are distributions. */
export type HistogramName = NamesWhere<{ instrument: 'histogram' }>;
/** The name of a metric whose points are numbers. */
export type NumberName = Exclude<MetricName, HistogramName>;

/** One value of a metric. A point with an unknown name, or without one of its attributes, does not compile. */
export type Point<N extends NumberName = NumberName> = {
  readonly [K in N]: {
    readonly name: K;
    readonly value: number;
  } & (Catalogue[K]['attributes'] extends readonly []
    ? { readonly attributes?: AttributesOf<K> }
    : { readonly attributes: AttributesOf<K> });
}[N];

/** All durations of a metric. The distribution is the one that is still written to, not a copy. */
export type ProcessDistribution = {
  readonly [K in HistogramName & NamesWhere<{ about: 'process' }>]: {
    readonly name: K;
    readonly attributes: AttributesOf<K>;
    readonly distribution: Distribution;
    /** Since when it counts, in process seconds. */
    readonly since: number;
  };
}[HistogramName & NamesWhere<{ about: 'process' }>];

/** A point about one device that a backend polls. */
export type DevicePoint = Point<NumberName & NamesWhere<{ about: 'device'; from: 'reading' }>>;
/** A point about the process. */
export type ProcessPoint = Point<NumberName & NamesWhere<{ about: 'process' }>> | ProcessDistribution;
