/** `accelmeter baseline`: keeps how fast kernels are in a file, and holds a later run against it. */
import { styleText } from 'node:util';
import { type Baseline, type BaselineDevice, baselineOf, describeDevices } from '../baseline/baseline.ts';
import { BaselineError } from '../baseline/baseline-error.ts';
import {
  type BaselineComparison,
  type BaselineVerdict,
  compareDevices,
  type DeviceComparison,
  formatImprovement,
  isRegression,
  type KernelComparison,
} from '../baseline/comparison.ts';
import { checkPlaceFor, loadBaseline, saveBaseline } from '../baseline/file.ts';
import { formatRate, formatShare } from '../quantity.ts';
import { version } from '../version.ts';
import { CommandError } from './failure.ts';
import { asJson, deviceHeading, onThisMachine } from './machine.ts';
import { exitCodeOf, measureProgram } from './program.ts';
import { type Column, medium, milliseconds, printable, shortened, tableOf, wide } from './terminal.ts';
import { runWorkload } from './workload.ts';

export interface MeasureOptions {
  /** Seconds of the built-in workload on each device; a program takes its own time. */
  readonly for: number;
}

export interface CompareToBaselineOptions extends MeasureOptions {
  readonly json?: boolean;
  /** Percent; the library's default where it is not given. */
  readonly threshold?: number;
}

/** Measures the program, or without one the built-in workload, and keeps that in the file. */
export function save(file: string, command: readonly string[], options: MeasureOptions): Promise<void> {
  return asCommandErrors(async () => {
    await checkPlaceFor(file); // before the program runs: it may take long
    const baseline = baselineOf(await measure(command, options));
    await saveBaseline(baseline, file);
    process.stdout.write(`${file}: ${summary(baseline)}\n`);
  });
}

/** Measures the same again. Exit code 1 where a kernel is slower than the threshold allows, or only fails. */
export function compare(file: string, command: readonly string[], options: CompareToBaselineOptions): Promise<void> {
  return asCommandErrors(async () => {
    const baseline = await loadBaseline(file); // before the program runs: it may take long
    const { json = false, threshold: thresholdPercent } = options;
    const comparison = compareDevices(baseline, await measure(command, options), { thresholdPercent });
    // A pipe has no width: what reads it takes all columns.
    const width = process.stdout.isTTY ? process.stdout.columns || medium : wide;
    process.stdout.write(json ? asJson(comparison) : describe(comparison, width));
    process.exitCode = comparison.regressed ? 1 : 0;
  });
}

async function asCommandErrors(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw error instanceof BaselineError ? new CommandError(printable(error.message)) : error;
  }
}

async function measure(command: readonly string[], options: MeasureOptions): Promise<readonly BaselineDevice[]> {
  if (command.length > 0) return measureCommand(command);
  let devices: readonly BaselineDevice[] = [];
  await onThisMachine(async (opened) => {
    const { failures, wrong } = await runWorkload(opened, options.for);
    for (const { backendType, deviceName, error } of failures) {
      say(`${backendType} ${printable(deviceName)}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (wrong.size > 0) throw new CommandError(`wrong results on ${[...wrong].join(', ')}`);
    // These are of the whole command: of other devices' turns and of what was compiled, too.
    const ofTheCommand = { deviceUtilizationPercent: undefined, throughputOpsPerSecond: undefined };
    devices = describeDevices(opened.state).map((device) => ({ ...device, ...ofTheCommand }));
  });
  return devices;
}

/** What the program prints goes to stderr: stdout is for the result alone. */
async function measureCommand(command: readonly string[]): Promise<readonly BaselineDevice[]> {
  const { ending, reports } = await measureProgram(command, { output: 'stderr' });
  const code = exitCodeOf(ending);
  if (code !== 0) throw new CommandError(`the program ended with ${code}: what it did is no measure`);
  if (reports.length === 0) {
    throw new CommandError('no report; the program was not Node.js, was ended by force, or has accelmeter off');
  }
  const heaviestFirst = reports
    .filter(({ devices }) => devices.length > 0)
    .toSorted((a, b) => kernelTime(b.devices) - kernelTime(a.devices));
  const [heaviest] = heaviestFirst;
  if (heaviestFirst.length > 1) {
    say(`${heaviestFirst.length} processes computed; measured is the one that did most, pid ${heaviest?.status.pid}`);
  }
  if (heaviest === undefined) {
    throw new CommandError(
      'no kernel was seen: there is nothing to keep; a program that records its own does so with registeredProfiler()',
    );
  }
  return heaviest.devices;
}

const kernelTime = (devices: readonly BaselineDevice[]) =>
  devices.reduce((sum, { kernelStats }) => sum + kernelStats.totalExecutionTimeMs, 0);

function summary({ devices }: Baseline): string {
  const kernels = devices.reduce((sum, device) => sum + device.kernels.length, 0);
  const executions = devices.reduce((sum, { kernelStats }) => sum + kernelStats.totalExecutions, 0);
  const of = (count: number, what: string) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
  return `${of(executions, 'execution')} of ${of(kernels, 'kernel')} on ${of(devices.length, 'device')}`;
}

const marks: Readonly<Record<BaselineVerdict, string>> = {
  faster: styleText('green', 'faster'),
  same: 'same',
  slower: styleText('red', 'slower'),
  failing: styleText('red', 'failing'),
  undecided: styleText('yellow', 'too few'),
};

const columns: readonly Column<KernelComparison>[] = [
  { head: 'kernel', words: true, cell: ({ kernel }) => shortened(kernel, 20) },
  { head: 'baseline', cell: ({ baseline }) => milliseconds(baseline.windowAverageExecutionTimeMs) },
  { head: 'now', cell: ({ current }) => milliseconds(current.windowAverageExecutionTimeMs) },
  { head: 'better by', cell: ({ improvementPercent }) => formatImprovement(improvementPercent) },
  { head: 'median by', from: medium, cell: (row) => formatImprovement(row.medianImprovementPercent) },
  { head: 'p95 by', from: medium, cell: (row) => formatImprovement(row.p95ImprovementPercent) },
  { head: 'runs then', from: wide, cell: ({ baseline }) => baseline.totalExecutions.toLocaleString('en') },
  { head: 'runs now', from: wide, cell: ({ current }) => current.totalExecutions.toLocaleString('en') },
  { head: '', words: true, cell: ({ verdict }) => marks[verdict] },
];

/** Its mean has changed by more than the threshold, and neither its median nor its P95 has. */
const isUnsteady = ({ verdict, improvementPercent = 0 }: KernelComparison, thresholdPercent: number) =>
  verdict === 'same' && Math.abs(improvementPercent) > thresholdPercent;

/** The comparison as text for a terminal of that width. */
export function describe(comparison: BaselineComparison, width: number): string {
  const { baseline, devices, thresholdPercent, goneDevices, newDevices } = comparison;
  const lines = [`Baseline of ${shortened(baseline.date, 32)}, host ${printable(baseline.host)}\n`];
  if (baseline.nodeVersion !== process.versions.node || baseline.accelmeterVersion !== version) {
    lines.push(
      ` with Node.js ${printable(baseline.nodeVersion)}, accelmeter ${printable(baseline.accelmeterVersion)}\n`,
    );
  }
  for (const device of devices) lines.push(describeDevice(device, width));
  const others = (what: string, list: readonly BaselineDevice[]) =>
    list.map(({ backendType, deviceName }) => `\n${deviceHeading(backendType, deviceName)}\n ${what}\n`);
  lines.push(...others('in the baseline, and not now', goneDevices), ...others('not in the baseline', newDevices));
  const slower = devices.flatMap(({ kernels }) => kernels.filter(isRegression));
  const unsteady = devices.flatMap(({ kernels }) => kernels.filter((each) => isUnsteady(each, thresholdPercent)));
  if (unsteady.length > 0) {
    const names = unsteady.map(({ kernel }) => shortened(kernel, 32)).join(', ');
    lines.push(`\nToo unsteady to judge: ${names}. Mean, median and P95 do not agree; measure for longer.\n`);
  }
  lines.push(
    slower.length === 0
      ? `\nNo kernel is slower by more than ${thresholdPercent} %${unsteady.length > 0 ? ' for certain' : ''}.\n`
      : `\n${styleText('red', 'Slower')} by more than ${thresholdPercent} %, or failing: ${slower.length}\n`,
  );
  return lines.join('');
}

function describeDevice(device: DeviceComparison, width: number): string {
  const { baseline, current, kernels, newKernels, goneKernels, matchedBy } = device;
  const lines = [`\n${deviceHeading(device.backendType, device.deviceName)}\n`];
  if (matchedBy === 'name') lines.push(' another id, the same name: taken for the same device\n');
  else if (baseline.deviceName !== current.deviceName) lines.push(` was ${printable(baseline.deviceName)}\n`);
  lines.push(` performance vs baseline: ${formatImprovement(device.improvementPercent)}\n`);
  lines.push(
    thenAndNow('runs/s', formatRate, baseline.throughputOpsPerSecond, current.throughputOpsPerSecond),
    thenAndNow('used', percent, baseline.deviceUtilizationPercent, current.deviceUtilizationPercent),
    thenAndNow('MB/s copied', formatRate, baseline.bandwidthMBps, current.bandwidthMBps),
  );
  if (kernels.length > 0) lines.push('\n', tableOf(kernels, columns, width));
  if (newKernels.length > 0) lines.push(` new: ${newKernels.map((name) => shortened(name, 32)).join(', ')}\n`);
  if (goneKernels.length > 0) lines.push(` gone: ${goneKernels.map((name) => shortened(name, 32)).join(', ')}\n`);
  return lines.join('');
}

const percent = (value: number) => formatShare(value / 100);

/** Nothing where either is not known. */
function thenAndNow(what: string, format: (value: number) => string, before?: number, now?: number): string {
  return before === undefined || now === undefined ? '' : ` ${what} ${format(before)} → ${format(now)}\n`;
}

function say(problem: string): void {
  process.stderr.write(`accelmeter: ${problem}\n`);
}
