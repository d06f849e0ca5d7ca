/** `accelmeter compare`: every backend that is there, on the same workload. */
import { styleText } from 'node:util';
import type { BackendResult } from '../compare.ts';
import type { OpenedProfiler } from '../profiler.ts';
import { formatRate, formatShare } from '../quantity.ts';
import type { BackendStatus } from '../status.ts';
import { allWorkloads } from '../workload/all.ts';
import { kernelName, size } from '../workload/workload.ts';
import { asJson, onThisMachine } from './machine.ts';
import { type Column, medium, milliseconds, shortened, tableOf, wide } from './terminal.ts';
import { runWorkload, type WorkloadRun } from './workload.ts';

export interface CompareOptions {
  readonly json?: boolean;
  /** Seconds on each device. */
  readonly for: number;
}

/** One that was not compared, and why. */
interface Missing {
  readonly backend: string;
  readonly device?: string;
  readonly reason: string;
}

/** Exit code 0 where at least one backend computed and none computed wrongly. */
export function compare({ json = false, for: seconds }: CompareOptions): Promise<void> {
  return onThisMachine(async (opened) => {
    const run = await runWorkload(opened, seconds);
    const results = run.results.filter(({ averageLatencyMs }) => averageLatencyMs !== undefined);
    const missing = missingIn(opened, run);
    if (json) {
      const workload = { kernel: kernelName, rows: size, columns: size, secondsEach: seconds };
      const told = results.map((result) => ({ ...result, correct: !run.wrong.has(result.deviceId) }));
      process.stdout.write(asJson({ workload, results: told, missing }));
    } else {
      // A pipe has no width: what reads it takes all columns.
      const width = process.stdout.isTTY ? process.stdout.columns || medium : wide;
      process.stdout.write(describe(results, { missing, wrong: run.wrong, seconds, width }));
    }
    process.exitCode = results.length > 0 && run.wrong.size === 0 ? 0 : 1;
  });
}

/** A backend that nobody asked for, and that could not be compared if it were there, is not missed. */
function missingIn({ profiler, state }: OpenedProfiler, { results, failures }: WorkloadRun): Missing[] {
  const { backends } = profiler.status();
  const isMissed = (name: string) =>
    state.options.backendsNamed || allWorkloads.some(({ backend }) => backend === name);
  const without = backends.filter(
    ({ name }) => isMissed(name) && !profiler.devices.some(({ backend }) => backend === name),
  );
  const unseen = results.filter(({ averageLatencyMs }) => averageLatencyMs === undefined);
  return [
    ...without.map(({ name, present, detail }) => ({ backend: name, reason: present ? 'it has no device' : detail })),
    ...failures.map(({ backendType, deviceName, error }) => ({
      backend: backendType,
      device: deviceName,
      reason: error instanceof Error ? error.message : String(error),
    })),
    ...unseen.map((result) => ({
      backend: result.backendType,
      device: result.deviceName,
      reason: whyUnseen(result, backends),
    })),
  ];
}

/** It computed, and accelmeter does not know how long it took. */
function whyUnseen({ backendType, failedExecutions }: BackendResult, backends: readonly BackendStatus[]): string {
  if (failedExecutions > 0) return `all ${failedExecutions} executions failed`;
  const down = backends.find(({ name }) => name === backendType)?.sources.find(({ up }) => !up);
  return down?.detail ?? 'its kernel was not seen';
}

const columns: readonly Column<BackendResult>[] = [
  { head: 'backend', words: true, cell: ({ backendType }) => backendType },
  { head: 'device', words: true, from: medium, cell: ({ deviceName }) => shortened(deviceName, 20) },
  { head: 'average', cell: ({ averageLatencyMs }) => milliseconds(averageLatencyMs) },
  { head: 'p95', cell: ({ p95LatencyMs }) => milliseconds(p95LatencyMs) },
  { head: 'runs/s', cell: ({ throughputOpsPerSecond }) => formatRate(throughputOpsPerSecond) },
  { head: 'used', cell: ({ deviceUtilizationPercent }) => formatShare(deviceUtilizationPercent / 100) },
  { head: 'takes', cell: ({ ratio }) => (ratio === undefined ? '–' : `${ratio.toFixed(2)}×`) },
  { head: 'runs', from: wide, cell: ({ executions }) => executions.toLocaleString('en') },
];

interface Described {
  readonly missing: readonly Missing[];
  readonly wrong: ReadonlySet<string>;
  readonly seconds: number;
  readonly width: number;
}

/** The comparison as text for a terminal of that width. */
export function describe(results: readonly BackendResult[], { missing, wrong, seconds, width }: Described): string {
  const lines = [`${styleText('bold', kernelName)}  ${size} × ${size} in single precision, ${seconds} s each\n\n`];
  if (results.length > 0) lines.push(tableOf(results, columns, width), '\n');
  for (const { backend, how } of allWorkloads) {
    if (results.some(({ backendType }) => backendType === backend)) lines.push(` ${backend}: ${how}\n`);
  }
  for (const { backend, device, reason } of missing) {
    const which = device === undefined ? backend : `${backend} ${shortened(device, 16)}`;
    lines.push(` ${styleText('yellow', '–')} ${which}: ${reason}\n`);
  }
  const wrongs = results.filter(({ deviceId }) => wrong.has(deviceId));
  for (const { backendType, deviceName } of wrongs) {
    lines.push(` ${styleText('red', '!')} ${backendType} ${shortened(deviceName, 16)}: its result is wrong\n`);
  }
  if (results.length === 0) lines.push(' nothing could be compared\n');
  else if (results.length === 1) lines.push(' there is nothing to compare it with\n');
  if (results.length > 0 && wrongs.length === 0) lines.push(' the results are right, to the bit\n');
  return lines.join('');
}
