/**
 * The profiler's state as one plain picture for people: what the landing page, `accelmeter run`, `demo` and `doctor`
 * show. Rates are since the previous picture of the same viewer, or since the start for the first one.
 */
import type { TransferDirection } from './activity.ts';
import type { BackendName, SourceState } from './backend.ts';

export interface Status {
  readonly version: string;
  readonly nodeVersion: string;
  readonly pid: number;
  /** `service.name`, where one was given. */
  readonly service: string | undefined;
  /** How long we have been measuring, in seconds. */
  readonly uptime: number;
  /** One row for each backend that was asked for, in the order of `backendNames`. */
  readonly backends: readonly BackendStatus[];
  readonly sources: readonly SourceState[];
  readonly devices: readonly DeviceRow[];
  /** Busiest first. */
  readonly kernels: readonly KernelRow[];
  readonly transfers: readonly TransferRow[];
}

export interface BackendStatus {
  readonly name: BackendName;
  readonly present: boolean;
  /** "2 threads", "PoCL, kernels traced", "no OpenCL loader on this machine". */
  readonly detail: string;
  readonly remedy?: string;
}

export interface DeviceRow {
  readonly id: string;
  readonly backend: BackendName;
  readonly name: string;
  /** 0 to 1, of the last interval; absent before the first. */
  readonly utilization: number | undefined;
}

export interface KernelRow {
  readonly device: string;
  readonly deviceName: string;
  readonly backend: BackendName;
  readonly kernel: string;
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly failures: number;
  /** Seconds, of the last 1000 executions; absent where none succeeded. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
  /** Sum of its execution times since the start, in seconds. */
  readonly total: number;
  /** Its execution time over wall time, 0 to 1 where executions do not overlap. */
  readonly busy: number;
}

export interface TransferRow {
  readonly device: string;
  readonly deviceName: string;
  readonly backend: BackendName;
  readonly direction: TransferDirection;
  readonly count: number;
  readonly bytes: number;
  /** Sum of the times of the transfers, in seconds. */
  readonly total: number;
  /** Bytes a second while transfers ran; absent where none succeeded. */
  readonly bandwidth: number | undefined;
}
