import { describe, expect, it } from 'vitest';
import { findIn, type Window } from '../../src/analyzer/finding.ts';
import { allRules } from '../../src/analyzer/rules/all.ts';
import { DeviceProfile } from '../../src/profile/device-profile.ts';
import { takeKernelStatistics, takeSnapshot } from '../../src/snapshot.ts';

type Backend = Window['backend'];

/** What the rules say of a device that did what `work` says within `seconds`. */
function findings(work: (device: DeviceProfile) => void, seconds = 10, backend: Backend = 'opencl') {
  const profile = new DeviceProfile({ id: 'd', backend, type: 'gpu', name: 'D', index: 0 }, { now: () => 0 });
  work(profile);
  const window = { backend, seconds, snapshot: takeSnapshot(profile, 1), kernels: takeKernelStatistics(profile) };
  return findIn(window, allRules);
}

const codes = (...of: Parameters<typeof findings>): string[] => findings(...of).map(({ code }) => code);

const times = (count: number, act: (i: number) => void) => Array.from({ length: count }, (_, i) => act(i));

it('an idle device has no findings', () => {
  expect(codes(() => {})).toEqual([]);
});

describe('transfer_bound', () => {
  const work =
    (copySeconds: number, copies = 10) =>
    (device: DeviceProfile) => {
      times(copies, () => device.transfer('host_to_device').record(1e6, copySeconds));
      times(20, () => device.kernel('k').record(0.001));
    };
  it('is raised where copies take longer than kernels', () => expect(codes(work(0.0021))).toEqual(['transfer_bound']));
  it('is silent where they take as long', () => expect(codes(work(0.00199))).toEqual([]));
  it('is silent for nine copies', () => expect(codes(work(1, 9))).toEqual([]));
  it('is silent on a CPU', () => expect(codes(work(1), 10, 'cpu')).toEqual([]));
  it('is silent where no kernel ran', () =>
    expect(codes((device) => times(99, () => device.transfer('host_to_device').record(1, 1)))).toEqual([]));
});

describe('launch_bound', () => {
  const work =
    (seconds: number, count = 100) =>
    (device: DeviceProfile) => {
      times(count, () => device.kernel('k').record(seconds));
    };
  it('is raised for short kernels with gaps', () => expect(codes(work(0.00019))).toEqual(['launch_bound']));
  it('is silent just above the threshold', () => expect(codes(work(0.000201))).toEqual([]));
  it('is silent for 99 kernels', () => expect(codes(work(0.00001, 99))).toEqual([]));
  it('is silent where they keep the device busy', () => expect(codes(work(0.0001, 1000), 0.12)).toEqual([]));
  it('tells how long the device waited', () =>
    expect(findings(work(0.0001, 1000), 0.2)).toMatchObject([
      {
        observed: expect.closeTo(0.0001),
        threshold: 0.0002,
        unit: 's',
        samples: 1000,
        sentence: '1000 kernels ran for 100 µs on average, and for 50 % of the time the device waited for the next.',
      },
    ]));
});

describe('failing_operations', () => {
  const work = (failures: number, total: number) => (device: DeviceProfile) => {
    times(failures, () => device.kernel('k').recordFailure('x'));
    times(total - failures, () => device.kernel('k').record(0.001));
  };
  it('is raised above 5 %', () => expect(codes(work(6, 100))).toEqual(['failing_operations']));
  it('is silent at 5 %', () => expect(codes(work(5, 100))).toEqual([]));
  it('is silent for 19 operations', () => expect(codes(work(19, 19))).toEqual([]));
  it('is raised where all failed, and nothing else is', () =>
    expect(codes(work(50, 50))).toEqual(['failing_operations']));
});

describe('high_variance', () => {
  const work =
    (other: number, count = 10) =>
    (device: DeviceProfile) => {
      times(count, (i) => device.kernel('k').record(i % 2 ? 0.001 : other));
    };
  it('is raised for a kernel that varies by more than 30 %', () =>
    expect(codes(work(0.002))).toEqual(['high_variance']));
  it('is silent for 20 %', () => expect(codes(work(0.0013))).toEqual([]));
  it('is silent for nine samples', () => expect(codes(work(0.01, 9))).toEqual([]));
  it('is silent for a kernel that is a twentieth of the time', () =>
    expect(
      codes((device) => {
        times(20, () => device.kernel('long').record(0.1));
        work(0.002)(device);
      }),
    ).toEqual([]));
  it('is silent for two kernels that each are steady', () =>
    expect(
      codes((device) =>
        times(20, () => {
          device.kernel('short').record(0.001);
          device.kernel('long').record(0.1);
        }),
      ),
    ).toEqual([]));
});
