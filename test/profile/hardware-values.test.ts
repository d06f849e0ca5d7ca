import { expect, it } from 'vitest';
import type { Reading } from '../../src/backend.ts';
import { CounterHistory, hardwareOver, hardwareValues } from '../../src/profile/hardware-values.ts';

const throttleTime = (reason: 'sw_thermal' | 'hw_thermal' | 'power', value: number): Reading => ({
  name: 'accelmeter.device.throttle.time',
  value,
  attributes: { 'accelmeter.throttle.reason': reason },
});
const errors = (type: string, value: number): Reading => ({
  name: 'hw.errors',
  value,
  attributes: { 'error.type': type },
});
const link = (generation: number): Reading[] => [
  { name: 'accelmeter.device.pcie.link.generation', value: generation },
  { name: 'accelmeter.device.pcie.link.generation.max', value: 5 },
  { name: 'accelmeter.device.pcie.link.width', value: 16 },
  { name: 'accelmeter.device.pcie.link.width.max', value: 16 },
];

it('a share of throttling is what its counter rose by, over the interval, of the reason that held it longest', () => {
  const counters = new CounterHistory();
  counters.take([throttleTime('sw_thermal', 1), throttleTime('hw_thermal', 0), throttleTime('power', 2)]);
  const rise = counters.take([throttleTime('sw_thermal', 2), throttleTime('hw_thermal', 2), throttleTime('power', 7)]);
  expect(hardwareValues([], rise, 5)).toEqual({ thermalThrottle: 0.4, powerThrottle: 1 });
});

it('without a counter the flag says it', () => {
  const readings: Reading[] = [
    { name: 'accelmeter.device.throttled', value: 1, attributes: { 'accelmeter.throttle.reason': 'hw_thermal' } },
    { name: 'accelmeter.device.throttled', value: 0, attributes: { 'accelmeter.throttle.reason': 'power' } },
  ];
  expect(hardwareValues(readings, new CounterHistory().take(readings), 5)).toEqual({
    thermalThrottle: 1,
    powerThrottle: 0,
  });
});

it('errors count in the interval in which they came: the first, and after a pause only new ones', () => {
  const counters = new CounterHistory();
  const count = (value: number) =>
    hardwareValues([], counters.take([errors('uncorrected', value)]), 5).uncorrectedErrors;
  expect([count(1), count(1), count(3)]).toEqual([1, 0, 2]);
  counters.skip();
  expect([count(9), count(10)]).toEqual([0, 1]);
});

it('critical XIDs are counted together, and those of programs are not', () => {
  const readings = [errors('xid_79', 1), errors('xid_48', 1), errors('xid_31', 5), errors('corrected', 4)];
  expect(hardwareValues(readings, new CounterHistory().take(readings), 5)).toEqual({ criticalXids: 2 });
});

it('a window has the best of the links, the highest temperature, the sum of errors, and averages of shares', () => {
  const at = (readings: Reading[]) => hardwareValues(readings, new CounterHistory().take(readings), 5);
  const temperature = (value: number): Reading => ({
    name: 'hw.temperature',
    value,
    attributes: { 'hw.sensor_location': 'core' },
  });
  const first = at([...link(5), temperature(70), errors('uncorrected', 1), throttleTime('hw_thermal', 5)]);
  const last = at([...link(1), temperature(50), errors('uncorrected', 2), throttleTime('hw_thermal', 0)]);
  expect(hardwareOver([first, last])).toEqual({
    link: { generation: 5, maxGeneration: 5, width: 16, maxWidth: 16, bandwidth: 3.938e9 * 16 },
    temperature: 70,
    uncorrectedErrors: 3,
    thermalThrottle: 0.5,
  });
});

it('what nobody tells is not there', () => {
  expect(hardwareValues([], new CounterHistory().take([]), 5)).toEqual({});
  expect(hardwareOver([])).toEqual({});
});
