/** The table of GPUs: which of them is not well, and what it asks for. */
import type { AttributeValues } from '../../src/catalogue.ts';
import type { Panel } from '../panels.ts';
import { by, chosen, ofGpu, once, where } from '../queries.ts';
import { type Column, rows } from '../tables.ts';

/** Rows that were remapped; GPUs before Ampere retire pages instead. */
const replaced = `${chosen('accelmeter.device.memory.remapped')} or ${chosen('accelmeter.device.memory.retired')}`;
/** 2 is failed, 1 degraded, 0 well. */
const state = `(2 * ${inState('failed')} > 0) or ${inState('degraded')}`;
const narrow = { unit: 'short', width: 75 } as const;
const yes = { '0': { text: 'no', color: 'text' }, '1': { text: 'yes', color: 'red' } } as const;

const columns: readonly Column[] = [
  {
    title: 'State',
    expression: state,
    unit: 'short',
    meanings: {
      '0': { text: 'ok', color: 'green' },
      '1': { text: 'degraded', color: 'orange' },
      '2': { text: 'failed', color: 'red' },
    },
  },
  {
    title: 'Asks for',
    expression: once(chosen('accelmeter.device.recovery.action')),
    unit: 'short',
    width: 120,
    meanings: {
      '0': { text: 'nothing', color: 'green' },
      '1': { text: 'reset', color: 'red' },
      '2': { text: 'reboot', color: 'red' },
      '3': { text: 'drain peers', color: 'red' },
      '4': { text: 'drain and reset', color: 'red' },
    },
  },
  {
    ...narrow,
    title: 'Replaced',
    expression: `sum ${by(...ofGpu)} (${once(replaced, 'error.type')})`,
    thresholds: [[1, 'orange']],
  },
  {
    ...narrow,
    title: 'Waits',
    expression: once(chosen('accelmeter.device.memory.remapping.pending')),
    meanings: yes,
  },
  {
    ...narrow,
    title: 'Failed',
    expression: once(chosen('accelmeter.device.memory.remapping.failed')),
    meanings: yes,
  },
  { ...narrow, title: 'Last XID', expression: once(chosen('accelmeter.device.xid.last')) },
  { ...narrow, title: 'PCIe gen', expression: once(chosen('accelmeter.device.pcie.link.generation')) },
  { ...narrow, title: 'of gen', expression: once(chosen('accelmeter.device.pcie.link.generation.max')) },
  { ...narrow, title: 'Lanes', expression: once(chosen('accelmeter.device.pcie.link.width')) },
  { ...narrow, title: 'of lanes', expression: once(chosen('accelmeter.device.pcie.link.width.max')) },
];

export function gpuHealth(): Panel {
  return rows({
    title: 'GPU health',
    description:
      'Each GPU now. Failed: errors that it could not correct, or that only a reset mends; degraded: heat or power supply slow ' +
      'it down. Replaced are rows of its memory that were remapped, before Ampere pages that were retired. Do: what it asks for; ' +
      'a reset where a replacement waits for one; exchange the card where one failed. Last XID is the error the driver told ' +
      'last. Fewer lanes than there could be: seat it anew; a lower generation is sleep, unless it works.',
    width: 16,
    height: 8,
    unit: 'short',
    empty: 'no GPU tells it',
    labels: [
      { title: 'GPU', source: 'hw.name', properties: [{ id: 'custom.minWidth', value: 130 }] },
      { title: '#', source: 'accelmeter.device.index', properties: [{ id: 'custom.width', value: 40 }] },
      { title: 'ID', source: 'hw.id', properties: [{ id: 'custom.minWidth', value: 100 }] },
    ],
    columns,
    sortedBy: 'State',
  });
}

function inState(name: AttributeValues['hw.state']): string {
  return once(where(chosen('hw.status'), 'hw.state', name));
}
