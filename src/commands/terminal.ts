/** The picture for a terminal: sources, kernels and copies as text. */
import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import type { Finding } from '../analyzer/finding.ts';
import { describeHardware } from '../hardware-row.ts';
import { formatBytes, formatRate, formatSeconds, formatShare } from '../quantity.ts';
import type { BackendStatus, DeviceRow, KernelRow, Status, TransferRow } from '../status.ts';

const bare = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: ' ',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

/** A missing value is a dash, not a zero. */
const seconds = (value: number | undefined) => (value === undefined ? '–' : formatSeconds(value));

/** The same for a time as snapshots have it. */
export const milliseconds = (value: number | undefined) => seconds(value === undefined ? undefined : value / 1000);

/** Kernel names come from programs: nothing in them may reach the terminal as a control sequence. */
export const printable = (name: string) => name.replace(/\p{Cc}/gu, '·');

/** One line for each backend: seen or not, and what mends it. */
export function backendLines(backends: readonly BackendStatus[]): string {
  const width = Math.max(...backends.map(({ name }) => name.length));
  return backends
    .map(({ name, present, detail, remedy }) => {
      const mark = present ? styleText('green', '✓') : styleText('yellow', '–');
      const mend = remedy === undefined ? '' : `\n   ${' '.repeat(width)}  → ${remedy}`;
      return ` ${mark} ${name.padEnd(width)}  ${detail}${mend}\n`;
    })
    .join('');
}

/** One line for each device of whose hardware something is told. */
export function hardwareLines(devices: readonly DeviceRow[]): string {
  return devices
    .flatMap(({ backend, name, hardware }) =>
      hardware ? [[backend, printable(name), describeHardware(hardware)]] : [],
    )
    .map(([backend, name, told]) => `   ${backend} ${name}: ${told}\n`)
    .join('');
}

export interface Column<Row> {
  readonly head: string;
  /** Left out in terminals that are narrower. */
  readonly from?: number;
  /** Words begin on the left; figures end on the right. */
  readonly words?: true;
  readonly cell: (row: Row) => string;
}

/** From this width on a table has all of its columns; from the other on it says the device. */
export const wide = 110;
export const medium = 80;

/** Rows as a table of the columns that there is room for. */
export function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string {
  const shown = columns.filter(({ from = 0 }) => width >= from);
  const table = new Table({
    ...bare,
    head: shown.map(({ head }) => faint(head)),
    colAligns: shown.map(({ words }) => (words ? 'left' : 'right')),
  });
  for (const row of rows) table.push(shown.map(({ cell }) => cell(row)));
  return `${table.toString()}\n`;
}

const kernelColumns: readonly Column<KernelRow>[] = [
  { head: 'kernel', words: true, cell: ({ kernel }) => shortened(kernel, 32) },
  {
    head: 'device',
    words: true,
    cell: ({ backend, deviceName }) => `${backend} ${shortened(deviceName, 16)}`,
    from: medium,
  },
  { head: 'calls', cell: ({ calls }) => calls.toLocaleString('en'), from: wide },
  { head: 'calls/s', cell: ({ callsPerSecond }) => formatRate(callsPerSecond) },
  { head: 'p50', cell: ({ p50 }) => seconds(p50) },
  { head: 'p95', cell: ({ p95 }) => seconds(p95) },
  { head: 'p99', cell: ({ p99 }) => seconds(p99) },
  { head: 'total', cell: ({ total }) => seconds(total), from: wide },
  { head: 'busy', cell: ({ busy }) => formatShare(busy) },
  { head: 'failed', cell: ({ failures }) => (failures ? styleText('red', String(failures)) : '0'), from: wide },
];

/** The kernels, busiest first, as wide as the terminal allows; those beyond `most` are summed up in a line. */
export function kernelTable(kernels: readonly KernelRow[], { most = 20, width = wide } = {}): string {
  const rest = kernels.length - most;
  const more = rest > 0 ? ` and ${rest} more\n` : '';
  return `${tableOf(kernels.slice(0, most), kernelColumns, width)}${more}`;
}

/** Rows that lines take in a terminal, where what is longer than `width` wraps. */
export function rowsOf(lines: string, width: number): number {
  const rows = (line: string) => Math.max(1, Math.ceil(stripVTControlCharacters(line).length / width));
  return lines
    .split('\n')
    .slice(0, -1)
    .reduce((sum, line) => sum + rows(line), 0);
}

const transferColumns: readonly Column<TransferRow>[] = [
  { head: 'copies', words: true, cell: ({ direction }) => direction.replaceAll('_', ' ') },
  { head: 'device', words: true, cell: ({ backend, deviceName }) => `${backend} ${shortened(deviceName, 16)}` },
  { head: 'count', cell: ({ count }) => count.toLocaleString('en') },
  { head: 'bytes', cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'total', cell: ({ total }) => seconds(total) },
  { head: 'bandwidth', cell: ({ bandwidth }) => (bandwidth === undefined ? '–' : `${formatBytes(bandwidth)}/s`) },
];

/** The copies by direction. */
export const transferTable = ({ transfers }: Status) => tableOf(transfers, transferColumns, wide);

/** What is wrong, and what would help; where it is of several devices, of which. */
export function findingLines(findings: readonly Finding[]): string {
  const several = new Set(findings.map(({ device }) => device)).size > 1;
  return findings
    .map((finding) => {
      const device = several ? `  ${faint(deviceOf(finding))}` : '';
      const { severity, code, sentence } = finding;
      const head = ` ${marks[severity]} ${styleText('bold', code)}${device}`;
      return `${head}  ${printable(sentence)}\n   → ${adviceOf(finding)}\n`;
    })
    .join('');
}

/** A finding that was raised or cleared, in one line, for a log. */
export function findingEvent(finding: Finding): string {
  const { state, severity, code, sentence, raisedAt, clearedAt } = finding;
  const told = `${clearedAt ?? raisedAt}  ${severity.padEnd(8)} ${state.padEnd(7)} ${styleText('bold', code)}  ${deviceOf(finding)}`;
  // What it said when it was last seen is over, and so is the advice.
  return clearedAt === undefined ? `${told}  ${printable(sentence)} → ${adviceOf(finding)}\n` : `${told}\n`;
}

const marks = {
  info: styleText('blue', 'i'),
  warning: styleText('yellow', '!'),
  error: styleText('red', '!'),
  critical: styleText('red', '!'),
};

const adviceOf = ({ recommendations }: Finding) =>
  recommendations.map(({ code }) => code.replaceAll('_', ' ')).join(', ');

const deviceOf = ({ backend, deviceName }: Finding) => `${backend} ${shortened(deviceName, 24)}`;

function faint(text: string): string {
  return styleText('dim', text);
}

/** A name from a program or a driver, printable and with at most so many characters. */
export function shortened(name: string, most: number): string {
  const plain = printable(name);
  return plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`;
}
