/** What a device's health says in cases that operators know. */
import { describe, expect, it, test } from 'vitest';
import type { SourceState } from '../../src/backend.ts';
import { SensorType } from '../../src/health/sensors.ts';
import { type HealthInputs, healthOf } from '../../src/health.ts';
import type { Window } from '../../src/profile/window.ts';
import { quiet, windowOf } from '../analyzer/window.ts';

const up: SourceState = { name: 'opencl', up: true, detail: 'one GPU' };
const layerUp: SourceState = { name: 'opencl_layer', up: true, detail: 'kernels traced' };
const layerDown: SourceState = {
  name: 'opencl_layer',
  up: false,
  detail: 'kernels not traced: OpenCL was in use before accelmeter',
  ofKernels: true as const,
  remedy: 'start the program with: node --import accelmeter/register',
};

function health(backend: 'cpu' | 'opencl', window: Partial<Window> | undefined, more: Partial<HealthInputs> = {}) {
  const shown = window && windowOf(backend, window);
  return healthOf({
    device: { id: 'd', backend, type: backend === 'cpu' ? 'cpu' : 'gpu', name: 'D', index: 0 },
    timestamp: '2026-01-01T00:00:00.000Z',
    presence: 'running',
    sources: [up, layerUp],
    window: shown,
    readings: [],
    ...more,
  });
}

const failed = (count: number, failures: number) => ({ kernels: { ...quiet, count, failures } });

describe('a device', () => {
  it('that is idle is healthy', () => {
    expect(health('opencl', {})).toMatchObject({
      isAvailable: true,
      status: 'healthy',
      healthScore: 1,
      issues: [],
      recommendations: [],
    });
  });

  it('that is busy all the time, and full, is healthy', () => {
    const memory = { usage: 97, limit: 100, growth: 0, failedAllocations: 0 };
    expect(health('opencl', { ...failed(1e6, 0), utilization: 1, memory }).status).toBe('healthy');
    expect(health('opencl', { utilization: 1 }).status).toBe('healthy');
  });

  it('a part of whose work fails is said to be unwell, as far as it is', () => {
    expect(health('opencl', failed(999, 1)).status).toBe('healthy');
    expect(health('opencl', failed(98, 2)).status).toBe('warning');
    expect(health('opencl', failed(94, 6)).status).toBe('critical');
    expect(health('opencl', failed(50, 50))).toMatchObject({
      status: 'error',
      issues: ['50 of 100 kernel executions failed (50 %) within 60 s.'],
      recommendations: [expect.stringContaining('error.type')],
    });
  });

  it('that is too hot is told with its margin', () => {
    const hardware = { temperature: 88, temperatureLimit: 90, thermalThrottle: 0.4 };
    const { issues, recommendations, status } = health('opencl', { ...failed(1000, 0), hardware });
    expect(status).toBe('critical');
    expect(issues).toEqual([
      'The device is at 88 °C, 2 °C below its limit.',
      'The device was throttled for its temperature for 40 % of the time.',
    ]);
    expect(recommendations, 'one remedy for both').toEqual([expect.stringContaining('fans')]);
  });

  it('that is held down by its power limit is told so', () => {
    const { issues } = health('opencl', { hardware: { powerThrottle: 1, clockRatio: 0.5, thermalThrottle: 0.01 } });
    expect(issues).toEqual(['The power limit holds the clock of the device far down.']);
  });

  it('whose memory could not be allocated is told once', () => {
    const memory = { usage: 99, limit: 100, growth: 5, failedAllocations: 3 };
    expect(health('opencl', { memory }).issues).toEqual(['3 allocations of memory failed.']);
    expect(health('opencl', { memory: { ...memory, failedAllocations: 0 } }).issues).toEqual([
      'The memory of the device is 99 % full, and growing: 99 B.',
    ]);
  });

  it('whose hardware is faulty is in error', () => {
    const { status, issues, recommendations } = health('opencl', { ...failed(1e6, 0), hardware: { criticalXids: 1 } });
    expect({ status, issues }).toEqual({
      status: 'error',
      issues: ['The device reports errors that it could not correct.'],
    });
    expect(recommendations).toEqual([expect.stringContaining('out of service')]);
  });
});

describe('a CPU', () => {
  it('whose heap is nearly full is critical', () => {
    const process = { heapUsage: 99e6, heapLimit: 100e6, eventLoopUtilization: 0.5 };
    const snapshot = health('cpu', { process, utilization: 0.2 }, { sources: [] });
    expect(snapshot).toMatchObject({ status: 'critical', issues: ['The heap is 99 % full: 99.0 MB.'] });
    expect(snapshot.getSensorValue('MemoryUsedPercent')).toMatchObject({ value: 99, unit: '%', maxValue: 100 });
    expect(snapshot.getSensorValue('MemoryUsedBytes')).toMatchObject({ value: 99e6, maxValue: 100e6 });
    expect(snapshot.getSensorValue('EventLoopUtilizationPercent')?.value).toBe(50);
  });
});

describe('what is not known', () => {
  it('is no value and not 0: before the first window', () => {
    const { healthScore, status, isAvailable, sensors } = health('opencl', undefined);
    expect({ healthScore, status, isAvailable }).toEqual({
      healthScore: undefined,
      status: 'unknown',
      isAvailable: true,
    });
    expect(sensors.filter(({ available, value }) => available || value !== undefined)).toEqual([]);
  });

  it('is listed, and not found', () => {
    const snapshot = health('opencl', failed(10, 0));
    expect(snapshot.sensors).toContainEqual(
      expect.objectContaining({ type: 'TemperatureCelsius', available: false, value: undefined }),
    );
    expect(snapshot.getSensorValue(SensorType.TemperatureCelsius)?.value).toBeUndefined();
    expect(snapshot.getSensorValue(SensorType.ErrorRate)?.value).toBe(0);
    expect(snapshot.getSensorValue(SensorType.ThreadPoolUtilizationPercent)).toBeUndefined();
  });

  it('is the utilization of a device whose kernels are not traced, unless the program records them', () => {
    const sources = [up, layerDown];
    const idle = health('opencl', {}, { sources });
    expect(idle.getSensorValue('UtilizationPercent')).toBeUndefined();
    expect(idle).toMatchObject({
      isAvailable: true,
      status: 'unknown',
      issues: ['opencl_layer: kernels not traced: OpenCL was in use before accelmeter.'],
      recommendations: ['Start the program with: node --import accelmeter/register.'],
    });
    const recorded = health('opencl', { ...failed(10, 0), utilization: 0.5 }, { sources });
    expect(recorded.getSensorValue('UtilizationPercent')?.value).toBe(50);
  });
});

describe('a device that cannot be asked', () => {
  const window = failed(100, 0);
  it.each([
    ['has left', { presence: 'removed' }, 'offline', false, 'The device has left.'],
    [
      'has a driver that was switched off',
      { sources: [{ ...up, up: false, detail: 'lost' }] },
      'offline',
      false,
      'opencl: lost.',
    ],
    ['is not measured for a while', { presence: 'paused' }, 'unknown', true, 'Measuring is paused.'],
    ['belongs to a closed profiler', { presence: 'closed' }, 'unknown', false, 'The profiler is closed.'],
  ] as const)('because it %s', (_, more, status, isAvailable, issue) => {
    const readings = [{ name: 'accelmeter.device.queue.depth', value: 7 }] as const;
    const snapshot = health('opencl', window, { readings, ...more });
    expect(snapshot).toMatchObject({ status, isAvailable, healthScore: undefined, issues: [issue] });
    expect(snapshot.sensors.filter(({ available }) => available)).toEqual([]);
  });
});

test('the queue of a device is read, and no queue of a CPU', () => {
  const readings = [{ name: 'accelmeter.device.queue.depth', value: 7 }] as const;
  expect(health('opencl', {}, { readings }).getSensorValue('QueueDepth')?.value).toBe(7);
  expect(health('cpu', {}).sensors.map(({ type }) => type)).not.toContain('QueueDepth');
});

test('a snapshot cannot be changed, nor what is in it', () => {
  const snapshot = health('opencl', failed(50, 50));
  for (const each of [snapshot, snapshot.sensors, ...snapshot.sensors, snapshot.issues, snapshot.recommendations]) {
    expect(Object.isFrozen(each)).toBe(true);
  }
});
