import { expect, it, onTestFinished, vi } from 'vitest';
import { type DeviceChange, DeviceChanges } from '../src/device-changes.ts';
import { machine } from './otel/machine.ts';

const device = (id: string) => ({ id, backend: 'opencl', type: 'gpu', name: 'A GPU', index: 0 }) as const;

function heard(changes: DeviceChanges): DeviceChange[] {
  const told: DeviceChange[] = [];
  changes.on((change) => told.push(change));
  return told;
}

it('a device that appears is no change; one that leaves is lost, and recovered when it is back', () => {
  const changes = new DeviceChanges();
  const told = heard(changes);
  changes.appeared(device('a'));
  expect(told).toEqual([]);
  changes.left(device('a'));
  changes.appeared(device('b'));
  changes.appeared(device('a'));
  changes.appeared(device('a'));
  expect(told.map(({ device: { id }, state }) => [id, state])).toEqual([
    ['a', 'lost'],
    ['a', 'recovered'],
  ]);
  expect(Math.abs(Date.parse(told[0]?.at ?? '') - Date.now())).toBeLessThan(5000);
});

it('a profiler tells of its devices: one that it closes is not lost', async () => {
  const { profiler, leave, join } = await machine();
  const told: DeviceChange[] = [];
  profiler.on('device', (change) => told.push(change));
  leave();
  join();
  leave();
  await profiler.close();
  expect(told.map(({ device: { id, name }, state }) => [id, name, state])).toEqual([
    ['GPU-1', 'A GPU', 'lost'],
    ['GPU-1', 'A GPU', 'recovered'],
    ['GPU-1', 'A GPU', 'lost'],
  ]);
});

it('who has switched off is told nothing more, and one that throws harms no other', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => warning.mockRestore());
  const changes = new DeviceChanges();
  changes.on(() => {
    throw new Error('mine');
  });
  const off = changes.on(() => expect.fail('told'));
  const told = heard(changes);
  off();
  changes.left(device('a'));
  expect(told).toHaveLength(1);
  expect(warning).toHaveBeenCalledWith('a listener for devices failed: mine', expect.anything());
});

it('of more than 256 devices that left, the first are forgotten', () => {
  const changes = new DeviceChanges();
  for (let i = 0; i <= 256; i++) changes.left(device(String(i)));
  const told = heard(changes);
  changes.appeared(device('0'));
  changes.appeared(device('1'));
  expect(told.map(({ device: { id } }) => id)).toEqual(['1']);
});
