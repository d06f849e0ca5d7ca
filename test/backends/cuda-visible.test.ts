import { describe, expect, it } from 'vitest';
import { createCounts } from '../../src/backends/cuda/counts.ts';
import { type Candidate, visibleDevices } from '../../src/backends/cuda/visible.ts';

const gpu = (uuid: string, model = 'NVIDIA H200'): Candidate => ({ uuid, model });
const part = (uuid: string, parent: string, gpuInstance: number): Candidate => ({
  uuid,
  model: 'NVIDIA H200 MIG 1g.18gb',
  mig: { parent, gpuInstance, computeInstance: 0 },
});

const machine = [
  gpu('GPU-aa01'),
  gpu('GPU-aa02'),
  gpu('GPU-bb03'),
  part('MIG-cc04', 'GPU-bb03', 7),
  part('MIG-cc05', 'GPU-bb03', 9),
];
const all = machine.map(({ uuid }) => uuid);
const seen = (list: string | undefined, order?: string, devices = machine) =>
  visibleDevices(devices, list, order).devices.map(({ uuid }) => uuid);

describe('CUDA_VISIBLE_DEVICES', () => {
  it.each([
    [undefined, all],
    ['', []],
    ['-1', []],
    ['NoDevFiles', []],
    ['0', ['GPU-aa01']],
    ['1,0', ['GPU-aa01', 'GPU-aa02']],
    [' 0 , 1 ', ['GPU-aa01', 'GPU-aa02']],
    ['0,-1,1', ['GPU-aa01']],
    ['0,7', ['GPU-aa01']],
    ['0,0', []],
    ['GPU-aa02', ['GPU-aa02']],
    ['GPU-b', ['GPU-bb03', 'MIG-cc04', 'MIG-cc05']],
    ['GPU-aa', []],
    ['MIG-cc05', ['GPU-bb03', 'MIG-cc05']],
    ['MIG-GPU-bb03/7/0', ['GPU-bb03', 'MIG-cc04']],
    ['MIG-GPU-bb03/7/1', []],
    ['GPU-', []],
  ])('%j lets %j through', (list, expected) => expect(seen(list)).toEqual(expected));

  const mixed = [gpu('GPU-aa01', 'Tesla T4'), gpu('GPU-aa02')];

  it('counts in an order that only CUDA knows, where GPUs differ: then nothing is hidden, and that is said', () => {
    expect(visibleDevices(mixed, '0', undefined)).toMatchObject({ devices: mixed, doubt: /CUDA_DEVICE_ORDER/ });
    expect(visibleDevices(mixed, '0', 'FASTEST_FIRST').devices).toEqual(mixed);
  });

  it('counts by PCI address where that was asked for, and names mean the same in any order', () => {
    expect(seen('1', 'PCI_BUS_ID', mixed)).toEqual(['GPU-aa02']);
    expect(seen('GPU-aa01', undefined, mixed)).toEqual(['GPU-aa01']);
  });
});

describe('a counter of the hardware', () => {
  const counting = (isNarrow: boolean, values: readonly number[]) => {
    const counts = createCounts();
    return values.map((value) => counts.since('energy', value, isNarrow));
  };

  it.each([
    ['counts from its first reading', false, [500, 500, 700], [0, 0, 200]],
    ['goes on where the driver was loaded anew', true, [500, 700, 30, 40], [0, 200, 230, 240]],
    ['goes on where its 32 bits were full', true, [2 ** 32 - 10, 5], [0, 15]],
    [
      'of 64 bits has not wrapped when it falls, whatever it had come to',
      false,
      [3e9, 500, 2 ** 40, 5],
      [0, 500, 2 ** 40, 2 ** 40 + 5],
    ],
  ])('%s', (_, isNarrow, values, expected) => expect(counting(isNarrow, values)).toEqual(expected));

  it('does not know of others', () => {
    const counts = createCounts();
    counts.since('a', 5, false);
    expect([counts.since('b', 7, false), counts.since('a', 6, false)]).toEqual([0, 1]);
  });
});
