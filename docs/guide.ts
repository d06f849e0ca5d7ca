/**
 * Where each field of a profiling snapshot is in Prometheus. The fields are those of DotCompute's performance profiling
 * guide, under the names of its classes; an expression gives one result for each device, in the field's own unit.
 * What this version does not measure is not here.
 */
import { type LabelSource, label, type SeriesOf, series } from '../dashboards/series.ts';
import type { TransferDirection } from '../src/activity.ts';
import type { MetricName } from '../src/catalogue.ts';

/** One field and what gives it. */
export interface GuideField {
  /** As the guide spells it. */
  readonly field: string;
  readonly promql: string;
  /** What a reader has to know, where it is not the same thing to the letter. */
  readonly note?: string;
  /** True where only some programs have it: a backend that tells of allocations, an execution that failed. */
  readonly rare?: true;
}

const device = `by (${(['job', 'instance', 'hw.id'] as const).map(label).join(', ')})`;
const sum = <N extends MetricName>(...named: SeriesOf<N>) => `sum ${device} (${series(...named)})`;
const rate = <N extends MetricName>(...named: SeriesOf<N>) => `sum ${device} (rate(${series(...named)}[1m]))`;
const where = (name: string, source: LabelSource, value: string) => `${name}{${label(source)}="${value}"}`;
const milliseconds = (seconds: string) => `1000 * ${seconds}`;
const megabytes = (bytes: string) => `${bytes} / 2^20`;

const process = `by (${(['job', 'instance'] as const).map(label).join(', ')})`;
const collections = (type: string) => where(series('v8js.gc.duration', 'count'), 'v8js.gc.type', type);

const ended = series('accelmeter.kernel.duration', 'count');
const failed = series('accelmeter.kernel.failures');
/** Nothing, for each device that there is: what never happened has no series. */
const none = `0 * ${series('accelmeter.device.info')}`;
/** The sum of all these series, whatever further labels they have, for each device. */
const total = (...all: readonly string[]) => `sum ${device} (${all.join(' or ')})`;
const executions = total(ended);
const operations = total(ended, failed, none);
const failures = total(failed, none);
const operationsPerSecond = total(`rate(${ended}[1m])`, `rate(${failed}[1m])`, none);
const latency = milliseconds(`${sum('accelmeter.kernel.duration', 'sum')} / ${executions}`);
const bottlenecks = `${series('accelmeter.bottleneck.active')} == 1`;
/** The mean of each kernel over a minute. */
const minuteMean = (offset: string) => {
  const rates = (part: 'sum' | 'count') => `rate(${series('accelmeter.kernel.duration', part)}[1m]${offset})`;
  return `(${rates('sum')} / ${rates('count')})`;
};
/** Of all executions on a device; a bucket is an octave. */
const quantile = (q: number | string) =>
  milliseconds(
    `histogram_quantile(${q}, sum by (${(['job', 'instance', 'hw.id', 'le'] as const).map(label).join(', ')}) ` +
      `(${series('accelmeter.kernel.duration', 'bucket')}))`,
  );
const directed = (name: string, direction: TransferDirection) =>
  where(name, 'accelmeter.transfer.direction', direction);

/** The guide's classes and its lists for the backends that there are, each with the fields that are measured. */
export const guide: Readonly<Record<string, readonly GuideField[]>> = {
  ProfilingSnapshot: [
    { field: 'DeviceId', promql: series('accelmeter.device.info'), note: 'label `hw_id`' },
    { field: 'DeviceName', promql: series('accelmeter.device.info'), note: 'label `hw_name`' },
    { field: 'BackendType', promql: series('accelmeter.device.info'), note: 'label `accelmeter_backend`' },
    { field: 'Timestamp', promql: `timestamp(${series('accelmeter.device.info')})`, note: 'seconds since 1970' },
    {
      field: 'IsAvailable',
      promql: series('accelmeter.source.up'),
      note: 'by source; a device that is not available has no series',
    },
    { field: 'DeviceUtilizationPercent', promql: `100 * ${series('accelmeter.device.utilization')}` },
    { field: 'TotalOperations', promql: operations, note: 'failed ones included' },
    {
      field: 'AverageLatencyMs',
      promql: latency,
      note: 'since the process began; with `rate(…[1m])` around both series, of the last minute',
    },
    { field: 'ThroughputOpsPerSecond', promql: operationsPerSecond, note: 'of the last minute, failed ones included' },
    {
      field: 'StatusMessage',
      promql: total(series('accelmeter.bottleneck.active')),
      note: 'how many bottlenecks the device has; the events and the landing page have the sentences',
    },
    {
      field: 'PerformanceTrends',
      promql: `${minuteMean('')} / ${minuteMean(' offset 1m')}`,
      note: 'by kernel, the mean of the last minute over that of the minute before: 1.2 is a fifth slower',
    },
    { field: 'IdentifiedBottlenecks', promql: bottlenecks, note: 'label `accelmeter_bottleneck_code`', rare: true },
    {
      field: 'Recommendations',
      promql: bottlenecks,
      note: 'the section of [RULES.md](RULES.md) that label `accelmeter_bottleneck_code` names',
      rare: true,
    },
  ],
  KernelProfilingStats: [
    { field: 'TotalExecutions', promql: operations, note: 'failed ones included' },
    {
      field: 'AverageExecutionTimeMs',
      promql: milliseconds(`${sum('accelmeter.kernel.duration', 'sum')} / ${executions}`),
    },
    {
      field: 'MinExecutionTimeMs',
      promql: quantile('1e-9'),
      note: 'the lower bound of the bucket that the shortest fell into, at least half its time',
    },
    {
      field: 'MaxExecutionTimeMs',
      promql: quantile(1),
      note: 'the upper bound of the bucket that the longest fell into, at most twice its time',
    },
    { field: 'MedianExecutionTimeMs', promql: milliseconds(series('accelmeter.kernel.duration.p50')) },
    { field: 'P95ExecutionTimeMs', promql: milliseconds(series('accelmeter.kernel.duration.p95')) },
    { field: 'P99ExecutionTimeMs', promql: milliseconds(series('accelmeter.kernel.duration.p99')) },
    { field: 'StandardDeviationMs', promql: milliseconds(series('accelmeter.kernel.duration.stddev')) },
    { field: 'TotalExecutionTimeMs', promql: milliseconds(sum('accelmeter.kernel.duration', 'sum')) },
    { field: 'FailedExecutions', promql: failures },
    {
      field: 'SuccessRate',
      promql: `${total(ended, none)} / ${total(ended, failed)}`,
      note: 'from 0 to 1; absent where nothing was executed',
    },
  ],
  MemoryProfilingStats: [
    { field: 'TotalAllocations', promql: series('accelmeter.memory.allocations'), rare: true },
    { field: 'TotalBytesAllocated', promql: series('accelmeter.memory.allocated'), rare: true },
    { field: 'CurrentMemoryUsageBytes', promql: series('accelmeter.memory.usage'), rare: true },
    { field: 'PeakMemoryUsageBytes', promql: series('accelmeter.memory.peak'), rare: true },
    {
      field: 'HostToDeviceTransfers',
      promql: directed(series('accelmeter.transfer.duration', 'count'), 'host_to_device'),
    },
    { field: 'HostToDeviceBytes', promql: directed(series('accelmeter.transfer.io'), 'host_to_device') },
    {
      field: 'DeviceToHostTransfers',
      promql: directed(series('accelmeter.transfer.duration', 'count'), 'device_to_host'),
    },
    { field: 'DeviceToHostBytes', promql: directed(series('accelmeter.transfer.io'), 'device_to_host') },
    {
      field: 'AverageTransferTimeMs',
      promql: milliseconds(
        `${sum('accelmeter.transfer.duration', 'sum')} / ${sum('accelmeter.transfer.duration', 'count')}`,
      ),
    },
    {
      field: 'BandwidthMBps',
      promql: megabytes(`${sum('accelmeter.transfer.io')} / ${sum('accelmeter.transfer.duration', 'sum')}`),
      note: 'bytes over the time of the transfers, since the process began; a megabyte is 2²⁰ bytes, as in the guide',
    },
  ],
  ProfilingMetric: [
    { field: 'Type', promql: series('accelmeter.custom'), note: 'the name of the series, see below', rare: true },
    { field: 'Name', promql: series('accelmeter.custom'), note: 'label `accelmeter_metric_name`', rare: true },
    { field: 'Value', promql: series('accelmeter.custom'), rare: true },
    { field: 'Unit', promql: series('accelmeter.custom'), note: 'label `accelmeter_metric_unit`', rare: true },
    { field: 'MinValue', promql: `min_over_time(${series('accelmeter.custom')}[1h])`, rare: true },
    { field: 'MaxValue', promql: `max_over_time(${series('accelmeter.custom')}[1h])`, rare: true },
  ],
  ProfilingMetricType: [
    {
      field: 'KernelExecutionTime',
      promql: series('accelmeter.kernel.duration', 'bucket'),
      note: 'a histogram, by kernel',
    },
    {
      field: 'MemoryTransferTime',
      promql: series('accelmeter.transfer.duration', 'bucket'),
      note: 'a histogram, by direction',
    },
    {
      field: 'CompilationTime',
      promql: series('accelmeter.kernel.compilation.duration', 'bucket'),
      note: 'a histogram',
      rare: true,
    },
    { field: 'QueueWaitTime', promql: series('accelmeter.kernel.queue.duration', 'bucket'), note: 'a histogram' },
    { field: 'DeviceUtilization', promql: series('accelmeter.device.utilization') },
    { field: 'MemoryBandwidth', promql: series('accelmeter.transfer.bandwidth'), note: 'bytes a second, by direction' },
    { field: 'Throughput', promql: operationsPerSecond, note: 'a second, of the last minute' },
    {
      field: 'Latency',
      promql: `${rate('accelmeter.kernel.duration', 'sum')} / ${rate('accelmeter.kernel.duration', 'count')}`,
      note: 'seconds, of the last minute',
    },
    { field: 'Custom', promql: series('accelmeter.custom'), note: 'by `accelmeter_metric_name`', rare: true },
  ],
  DeviceStatus: [
    { field: 'IsAvailable', promql: series('accelmeter.source.up'), note: 'by source' },
    { field: 'HealthScore', promql: series('accelmeter.health.score'), note: 'on request', rare: true },
    {
      field: 'Status',
      promql: series('accelmeter.health.score'),
      note: 'healthy from 0.9, warning from 0.7, critical from 0.5; on request',
      rare: true,
    },
    { field: 'Temperature', promql: series('hw.temperature'), note: 'where the device tells it: CUDA', rare: true },
    { field: 'Utilization', promql: `100 * ${series('accelmeter.device.utilization')}` },
    { field: 'AverageLatency', promql: latency },
    { field: 'Throughput', promql: operationsPerSecond },
    { field: 'Issues', promql: bottlenecks, note: 'label `accelmeter_bottleneck_code`', rare: true },
    { field: 'Recommendations', promql: bottlenecks, note: 'as those of ProfilingSnapshot', rare: true },
  ],
  'CPU Backend': [
    {
      field: 'CPU Utilization (%)',
      promql: `100 * sum ${process} (${series('process.cpu.utilization')})`,
      note: 'of the cores that the process may use',
    },
    { field: 'Working Set Memory (MB)', promql: megabytes(series('process.memory.usage')) },
    { field: 'Peak Working Set (MB)', promql: megabytes(series('accelmeter.process.memory.peak')) },
    { field: 'Thread Count', promql: series('process.thread.count'), note: 'on Linux' },
    {
      field: 'Thread Pool Utilization (%)',
      promql: `100 * ${series('accelmeter.threadpool.utilization')}`,
      note: "of libuv's pool; on Linux, once a task has started it",
      rare: true,
    },
    { field: 'GC Gen 0 Collections', promql: collections('minor'), rare: true },
    {
      field: 'GC Gen 1 Collections',
      promql: collections('incremental'),
      note: 'V8 has no middle generation',
      rare: true,
    },
    { field: 'GC Gen 2 Collections', promql: collections('major'), rare: true },
    { field: 'GC Total Memory (MB)', promql: megabytes(series('accelmeter.process.heap.usage')) },
    { field: 'Process-level metrics', promql: '{__name__=~"(process|nodejs|v8js)_.+"}', note: 'all of them' },
  ],
  'OpenCL Backend': [
    { field: 'Device Utilization (%)', promql: `100 * ${series('accelmeter.device.utilization')}` },
    {
      field: 'Global Memory Used (MB)',
      promql: megabytes(series('accelmeter.memory.usage')),
      note: 'by this process; by all, where the driver tells: `hw_gpu_memory_usage_bytes / 2^20`',
      rare: true,
    },
    {
      field: 'Global Memory Free (MB)',
      promql: megabytes(
        `(${series('hw.gpu.memory.limit')} - ` +
          `(${series('hw.gpu.memory.usage')} or ${series('accelmeter.memory.usage')}))`,
      ),
      note: 'of GPUs',
      rare: true,
    },
    { field: 'Kernel execution timing', promql: series('accelmeter.kernel.duration', 'bucket'), note: 'a histogram' },
    {
      field: 'Memory transfer statistics',
      promql: series('accelmeter.transfer.duration', 'bucket'),
      note: 'a histogram; with it `accelmeter_transfer_io_bytes_total` and what MemoryProfilingStats has',
    },
    {
      field: 'Queue statistics',
      promql: series('accelmeter.device.queue.depth'),
      note: 'with it the histogram `accelmeter_kernel_queue_duration_seconds_bucket`',
    },
  ],
};
