import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findingEvent, findingLines, kernelTable, rowsOf } from '../../src/commands/terminal.ts';
import type { KernelRow } from '../../src/status.ts';
import { found } from '../analyzer/finding.ts';

const row: KernelRow = {
  kernel: 'matmul_128',
  device: 'host:opencl:0',
  deviceName: 'a processor of a long name',
  backend: 'opencl',
  calls: 12_345,
  callsPerSecond: 123.4,
  p50: 0.00136,
  p95: 0.00316,
  p99: 0.00545,
  total: 12.3,
  busy: 0.24,
  failures: 0,
};
const heads = (width?: number) => kernelTable([row], width === undefined ? {} : { width }).split('\n')[0];

describe('the table of kernels', () => {
  it.each([[60], [80], [110]])('fits into %i columns', (width) => {
    const lines = stripVTControlCharacters(kernelTable([row], { width })).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  });

  it('has the columns that there is room for', () => {
    expect(heads(60)).not.toContain('device');
    expect(heads(80)).toContain('device');
    expect(heads(80)).not.toContain('total');
    expect(heads()).toContain('total');
  });
});

describe('findings', () => {
  const finding = found({
    code: 'transfer_bound',
    recommends: ['overlap_transfers', 'warm_up'],
    sentence: 'A\u001b[2J!',
  });

  it('are a line each and one of advice, and say their devices where these are several', () => {
    expect(stripVTControlCharacters(findingLines([finding]))).toBe(
      ' ! transfer_bound  A·[2J!\n   → overlap transfers, warm up\n',
    );
    const other = found({ code: 'queue_bound', severity: 'info', deviceName: 'Another GPU of a long name' });
    expect(stripVTControlCharacters(findingLines([finding, other]))).toBe(
      ' ! transfer_bound  opencl A GPU  A·[2J!\n   → overlap transfers, warm up\n' +
        ' i queue_bound  opencl Another GPU of a long n…  It is queue_bound.\n   → warm up\n',
    );
  });

  it('that are raised or cleared are one line of a log, with its time', () => {
    const clearedAt = '2026-11-24T12:05:00.000Z';
    const lines = [finding, found({ code: 'transfer_bound', clearedAt })]
      .map(findingEvent)
      .map(stripVTControlCharacters);
    expect(lines).toEqual([
      '2026-11-24T12:00:07.000Z  warning  raised  transfer_bound  opencl A GPU  A·[2J! → overlap transfers, warm up\n',
      '2026-11-24T12:05:00.000Z  warning  cleared transfer_bound  opencl A GPU\n',
    ]);
  });
});

it('a line that wraps takes several rows of a terminal, control sequences none', () => {
  expect(rowsOf('', 10)).toBe(0);
  expect(rowsOf('\n', 10)).toBe(1);
  expect(rowsOf('0123456789\n0123456789+\n', 10)).toBe(3);
  expect(rowsOf('\u001b[2m0123456789\u001b[22m\n', 10)).toBe(1);
});
