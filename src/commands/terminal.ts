/** The picture for a terminal: sources, kernels and copies as text. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { Finding } from '../analyzer/finding.ts';
import { formatBytes, formatRate, formatSeconds, formatShare } from '../quantity.ts';
import type { BackendStatus, KernelRow, Status } from '../status.ts';

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

/** Kernel names come from programs: nothing in them may reach the terminal as a control sequence. */
const printable = (name: string) => name.replace(/\p{Cc}/gu, '·');

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

/** The kernels, busiest first; those beyond `most` are summed up in a line. */
export function kernelTable(kernels: readonly KernelRow[], most = 20): string {
  const table = new Table({
    ...bare,
    head: ['kernel', 'device', 'calls', 'calls/s', 'p50', 'p95', 'p99', 'total', 'busy', 'failed'].map(faint),
    colAligns: ['left', 'left', ...Array(8).fill('right')],
  });
  for (const row of kernels.slice(0, most)) {
    table.push([
      printable(row.kernel),
      `${row.backend} ${printable(shortName(row.deviceName))}`,
      row.calls.toLocaleString('en'),
      formatRate(row.callsPerSecond),
      seconds(row.p50),
      seconds(row.p95),
      seconds(row.p99),
      seconds(row.total),
      formatShare(row.busy),
      row.failures === 0 ? '0' : styleText('red', String(row.failures)),
    ]);
  }
  const rest = kernels.length - most;
  return `${table.toString()}\n${rest > 0 ? ` and ${rest} more\n` : ''}`;
}

/** The copies by direction. */
export function transferTable({ transfers }: Status): string {
  const table = new Table({
    ...bare,
    head: ['copies', 'device', 'count', 'bytes', 'total', 'bandwidth'].map(faint),
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
  });
  for (const row of transfers) {
    table.push([
      row.direction.replaceAll('_', ' '),
      `${row.backend} ${printable(shortName(row.deviceName))}`,
      row.count.toLocaleString('en'),
      formatBytes(row.bytes),
      seconds(row.total),
      row.bandwidth === undefined ? '–' : `${formatBytes(row.bandwidth)}/s`,
    ]);
  }
  return `${table.toString()}\n`;
}

/** What the analyzer found, with what would help. */
export function findingLines(findings: readonly Finding[]): string {
  const mark = {
    info: styleText('blue', 'i'),
    warning: styleText('yellow', '!'),
    error: styleText('red', '!'),
    critical: styleText('red', '!'),
  };
  return findings
    .map(({ severity, code, sentence, recommends }) => {
      const advice = recommends.map((recommendation) => recommendation.replaceAll('_', ' ')).join(', ');
      return ` ${mark[severity]} ${styleText('bold', code)}  ${printable(sentence)}\n   → ${advice}\n`;
    })
    .join('');
}

function faint(text: string): string {
  return styleText('dim', text);
}

/** "pthread-skylake-avx512-AMD EPYC 9R14" is a mouthful for a column. */
function shortName(name: string): string {
  return name.length <= 24 ? name : `${name.slice(0, 23)}…`;
}
