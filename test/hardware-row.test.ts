import { expect, it } from 'vitest';
import { hardwareLines } from '../src/commands/terminal.ts';
import { renderLanding } from '../src/exporters/prometheus/page.ts';
import { describeHardware, hardwareRow } from '../src/hardware-row.ts';
import type { Status } from '../src/status.ts';

const row = { utilization: 0.85, memoryUsage: 42.9e9, memoryLimit: 151e9, temperature: 45, power: 350.5 };
const gpu = { id: 'GPU-1', backend: 'cuda', name: 'NVIDIA H200', utilization: 0.26, hardware: row } as const;

it('has what people look at first, of all engines the general one and of all sensors that of the core', () => {
  const readings = [
    { name: 'hw.gpu.utilization', value: 0.1, attributes: { 'hw.gpu.task': 'encoder' } },
    { name: 'hw.gpu.utilization', value: 0.85, attributes: { 'hw.gpu.task': 'general' } },
    { name: 'hw.temperature', value: 60, attributes: { 'hw.sensor_location': 'memory' } },
    { name: 'hw.temperature', value: 45, attributes: { 'hw.sensor_location': 'core' } },
    { name: 'hw.power', value: 350.5 },
  ] as const;
  expect(hardwareRow(readings)).toEqual({ utilization: 0.85, temperature: 45, power: 350.5 });
  expect(hardwareRow([])).toBeUndefined();
  expect(hardwareRow([{ name: 'hw.gpu.utilization', value: 0.3 }])).toEqual({ utilization: 0.3 });
});

it('is a line for people, without what is not told', () => {
  expect(describeHardware(row)).toBe('85 % busy, 42.9 GB of 151 GB, 45 °C, 351 W');
  expect(describeHardware({ memoryLimit: 16e9 })).toBe('16.0 GB');
  expect(hardwareLines([gpu, { ...gpu, hardware: undefined } as never])).toBe(
    '   cuda NVIDIA H200: 85 % busy, 42.9 GB of 151 GB, 45 °C, 351 W\n',
  );
});

it('stands on the page beside the devices that have it, and has no column where none has', () => {
  const { hardware, ...bare } = gpu;
  const status = {
    ...{ version: '1', nodeVersion: '24', pid: 1, service: undefined, uptime: 1, backends: [], kernels: [] },
    ...{ transfers: [], findings: [], self: { share: undefined, budget: 0.005, level: 0 } },
  } as unknown as Status;
  const page = (devices: Status['devices']) =>
    renderLanding({ status: { ...status, devices }, page: undefined, target: 'h:1', path: '/metrics' });
  expect(page([gpu])).toContain('85 % busy, 42.9 GB of 151 GB, 45 °C, 351 W');
  expect(page([bare])).not.toContain('Hardware');
});
