/**
 * The profiler's state as one plain picture for people: what the landing page, `accelmeter run`, `demo` and `doctor`
 * show. Rates are since the previous picture of the same viewer, or since the start for the first one.
 */
import type { TransferDirection } from './activity.ts';
import type { Finding } from './analyzer/finding.ts';
import type { BackendName, DeviceIdentity, SourceState } from './backend.ts';
import type { SelfStatus } from './governor.ts';
import { type HardwareRow, hardwareRow } from './hardware-row.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { ProfilerState } from './profiler.ts';
import { version } from './version.ts';

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
  readonly devices: readonly DeviceRow[];
  /** Busiest first. */
  readonly kernels: readonly KernelRow[];
  readonly transfers: readonly TransferRow[];
  /** What is wrong now, the gravest first. */
  readonly findings: readonly Finding[];
  /** What accelmeter itself takes. */
  readonly self: SelfStatus;
}

export interface BackendStatus {
  readonly name: BackendName;
  readonly present: boolean;
  /** "2 threads", "PoCL, kernels traced", "no OpenCL loader on this machine". */
  readonly detail: string;
  readonly remedy?: string;
  /** What it learns from, each up or not; none where it could not be opened. */
  readonly sources: readonly SourceState[];
}

export interface DeviceRow {
  readonly id: string;
  readonly backend: BackendName;
  readonly name: string;
  /** 0 to 1, of the last interval; absent before the first. */
  readonly utilization: number | undefined;
  /** What its driver tells, whoever uses it; absent where that is nothing. */
  readonly hardware?: HardwareRow;
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

/** Rates over less than this are noise: who asks again sooner gets the rates since the picture before that. */
const shortestInterval = 0.5;

/** What a viewer saw before, for rates. */
interface Seen {
  readonly at: number;
  readonly kernels: ReadonlyMap<string, { readonly calls: number; readonly total: number }>;
}

/** Makes the pictures of one viewer, each with its rates since the one before. */
export function statusView(state: ProfilerState): () => Status {
  let before: Seen = { at: state.startedAt, kernels: new Map() };
  let latest = before;
  return () => {
    const now = state.now();
    if (now - latest.at >= shortestInterval) before = latest;
    const elapsed = Math.max(now - before.at, Number.EPSILON);
    const profiles = [...state.profiles.values()];
    const kernels = profiles.flatMap((profile) => kernelRows(profile, before, elapsed));
    latest = { at: now, kernels: new Map(kernels.map((row) => [keyOf(row), { calls: row.calls, total: row.total }])) };
    return {
      version,
      nodeVersion: process.versions.node,
      pid: process.pid,
      service: state.service,
      uptime: now - state.startedAt,
      backends: backendStates(state),
      devices: profiles.map(deviceRow),
      kernels: kernels.sort((a, b) => b.total - a.total),
      transfers: profiles.flatMap(transferRows),
      findings: state.analysis.findings,
      self: state.self(),
    };
  };
}

function deviceRow({ identity: { id, backend, name }, utilization, readings }: DeviceProfile): DeviceRow {
  const hardware = hardwareRow(readings);
  return { id, backend, name, utilization, ...(hardware && { hardware }) };
}

const keyOf = ({ device, kernel }: Pick<KernelRow, 'device' | 'kernel'>) => `${device} ${kernel}`;

const deviceColumns = ({ id, name, backend }: DeviceIdentity) => ({ device: id, deviceName: name, backend });

function kernelRows(profile: DeviceProfile, before: Seen, elapsed: number): KernelRow[] {
  return Array.from(profile.kernels(), ({ name, distribution, failureCount: failed }) => {
    const device = deviceColumns(profile.identity);
    const seen = before.kernels.get(keyOf({ device: device.device, kernel: name })) ?? { calls: 0, total: 0 };
    const window = distribution.window();
    const calls = distribution.count + failed;
    return {
      ...device,
      kernel: name,
      calls,
      callsPerSecond: (calls - seen.calls) / elapsed,
      failures: failed,
      p50: window?.p50,
      p95: window?.p95,
      p99: window?.p99,
      total: distribution.sum,
      busy: (distribution.sum - seen.total) / elapsed,
    };
  });
}

function transferRows(profile: DeviceProfile): TransferRow[] {
  return Array.from(profile.transfers, ({ direction, distribution, bytes, busySeconds }) => ({
    ...deviceColumns(profile.identity),
    direction,
    count: distribution.count,
    bytes,
    total: distribution.sum,
    bandwidth: busySeconds > 0 ? bytes / busySeconds : undefined,
  }));
}

function backendStates({ sessions, absent, options }: ProfilerState): BackendStatus[] {
  return options.backends.map((name) => {
    const session = sessions.find(({ backend }) => backend === name);
    if (session) {
      const sources = session.sources();
      const remedy = sources.find((source) => !source.up)?.remedy;
      const detail = sources.map((source) => source.detail).join(', ');
      return { name, present: sources.some(({ up }) => up), detail, sources, ...(remedy !== undefined && { remedy }) };
    }
    const missing = absent.find(({ backend }) => backend === name);
    const remedy = missing?.remedy;
    return {
      name,
      present: false,
      detail: missing?.error.message ?? 'not opened',
      sources: [],
      ...(remedy !== undefined && { remedy }),
    };
  });
}
