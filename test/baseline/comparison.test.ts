import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takeBaseline } from '../../src/baseline/baseline.ts';
import { compareDevices, compareToBaseline, formatImprovement } from '../../src/baseline/comparison.ts';
import { createProfiler } from '../../src/profiler.ts';
import { gpu } from '../profiler-state.ts';
import { baseline, type Durations, described, steady } from './samples.ts';

/** One kernel, then and now. */
function compared(before: readonly number[], now: readonly number[], thresholdPercent = 20) {
  const comparison = compareDevices(baseline({ k: before }), described({ k: now }), { thresholdPercent });
  return { ...comparison.devices[0]?.kernels[0], regressed: comparison.regressed };
}

describe('a kernel', () => {
  it('that takes half as long is 50 % better, one that takes twice as long 100 % worse', () => {
    expect(compared(steady(0.002), steady(0.001))).toMatchObject({ improvementPercent: 50, verdict: 'faster' });
    expect(compared(steady(0.001), steady(0.002))).toMatchObject({
      improvementPercent: expect.closeTo(-100),
      verdict: 'slower',
      regressed: true,
    });
  });

  it.each([
    [1.19, 'same'],
    [1.21, 'slower'],
    [0.81, 'same'],
    [0.79, 'faster'],
  ])('that takes %f times as long is %s', (factor, verdict) => {
    expect(compared(steady(1), steady(factor))).toMatchObject({ verdict, regressed: verdict === 'slower' });
  });

  it('is judged by the threshold that is set', () => {
    expect(compared(steady(1), steady(1.4), 50)).toMatchObject({ verdict: 'same' });
    expect(compared(steady(1), steady(1.01), 0)).toMatchObject({ verdict: 'slower' });
  });

  it('with one outlier is not slower, whatever that does to its mean', () => {
    const now = [...steady(0.001, 199), 1];
    expect(compared(steady(0.001, 200), now)).toMatchObject({ verdict: 'same', regressed: false });
    expect(compared(steady(0.001, 200), now).improvementPercent).toBeLessThan(-400);
  });

  it('of which a third takes three times as long is slower, though its median is the same', () => {
    const now = [...steady(0.001, 134), ...steady(0.003, 66)];
    expect(compared(steady(0.001, 200), now)).toMatchObject({
      medianImprovementPercent: expect.closeTo(0, 4), // medians have the seven digits of single precision
      verdict: 'slower',
    });
  });

  it('with few executions is not judged', () => {
    expect(compared(steady(1, 4), steady(9))).toMatchObject({ verdict: 'undecided', regressed: false });
    expect(compared(steady(1), steady(9, 4))).toMatchObject({ verdict: 'undecided', regressed: false });
    expect(compared(steady(1, 5), steady(9, 5))).toMatchObject({ verdict: 'slower' });
  });

  it('of which each execution fails now has regressed', () => {
    expect(compared(steady(1), [])).toMatchObject({ verdict: 'failing', regressed: true });
  });

  it('that took no time has no improvement, and none that is not a number', () => {
    expect(compared(steady(0), steady(1))).toMatchObject({ improvementPercent: undefined, verdict: 'undecided' });
    expect(compared(steady(0), steady(0))).toMatchObject({ improvementPercent: undefined, verdict: 'undecided' });
  });

  it('that is new or gone is named', () => {
    const before: Durations = { both: steady(1), gone: steady(1), failed: [] };
    const now: Durations = { both: steady(1), new: steady(1), failed: steady(1) };
    expect(compareDevices(baseline(before), described(now)).devices).toMatchObject([
      { kernels: [{ kernel: 'both' }], newKernels: ['new', 'failed'], goneKernels: ['gone'] },
    ]);
  });
});

it('a device is better or worse by the average of all its kernels, as in the guide', () => {
  const [device] = compareDevices(
    baseline({ a: steady(2), b: steady(4) }),
    described({ a: steady(1), b: steady(2) }),
  ).devices;
  expect(device?.improvementPercent).toBe(50);
});

describe('devices', () => {
  const named = (id: string, name = 'A GPU') => ({ ...gpu, id, name });
  const work = { k: steady(1) };
  const pairs = (before: ReturnType<typeof named>[], now: ReturnType<typeof named>[]) => {
    const all = (devices: ReturnType<typeof named>[]) => devices.flatMap((device) => described(work, device));
    const comparison = compareDevices({ ...baseline(work), devices: all(before) }, all(now));
    return {
      pairs: comparison.devices.map((pair) => [pair.baseline.deviceId, pair.current.deviceId, pair.matchedBy]),
      gone: comparison.goneDevices.map(({ deviceId }) => deviceId),
      new: comparison.newDevices.map(({ deviceId }) => deviceId),
    };
  };

  it('are the same by their id, else by their name, and each is one at most', () => {
    expect(pairs([named('1'), named('2'), named('3')], [named('9'), named('2'), named('8')])).toEqual({
      pairs: [
        ['1', '9', 'name'],
        ['2', '2', 'id'],
        ['3', '8', 'name'],
      ],
      gone: [],
      new: [],
    });
  });

  it('without a counterpart are named', () => {
    expect(pairs([named('1'), named('2', 'B')], [named('1'), named('3', 'C')])).toEqual({
      pairs: [['1', '1', 'id']],
      gone: ['2'],
      new: ['3'],
    });
  });
});

describe('what cannot be compared is an error:', () => {
  const work = baseline({ k: steady(1) });

  it.each([
    ['no kernel in common', described({ other: steady(1) }), 'nothing_in_common', /with k; now there is .* with other/],
    ['nothing ran', [], 'empty', /no kernel has run/],
  ])('%s', (_, current, code, message) => {
    expect(() => compareDevices(work, current)).toThrow(
      expect.objectContaining({ name: 'BaselineError', code, message: expect.stringMatching(message) }),
    );
  });

  it('a baseline that is none', () => {
    expect(() => compareDevices({} as never, described({ k: [1] }))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('a threshold of %d', (thresholdPercent) => {
    expect(() => compareDevices(work, described({ k: [1] }), { thresholdPercent })).toThrow(RangeError);
  });
});

it('whatever the durations, nothing is infinite or not a number', () => {
  const durations = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(durations, durations, (before, now) => {
      const {
        improvementPercent: mean,
        medianImprovementPercent: median,
        p95ImprovementPercent,
      } = compared(before, now);
      for (const percent of [mean, median, p95ImprovementPercent]) {
        if (percent !== undefined) expect(Number.isFinite(percent)).toBe(true);
      }
    }),
  );
});

it('a profiler is compared with what it did before', async () => {
  const profiler = await createProfiler({ backends: ['cpu'] });
  onTestFinished(() => profiler.close());
  const kernel = profiler.devices[0]?.kernel('sort');
  for (let i = 0; i < 10; i++) kernel?.record(0.001);
  const before = await takeBaseline(profiler);
  for (let i = 0; i < 30; i++) kernel?.record(0.003);
  const comparison = await compareToBaseline(before, profiler);
  expect(comparison.regressed).toBe(true);
  expect(comparison.toString()).toMatch(/^cpu .+: performance vs baseline: -150\.0%\n {2}sort: -150\.0% \(slower\)$/);
  const signal = AbortSignal.abort(new Error('later'));
  await expect(compareToBaseline(before, profiler, { signal })).rejects.toThrow('later');
});

it.each([
  [3.14, '+3.1%'],
  [-12, '-12.0%'],
  [0, '+0.0%'],
  [-0.01, '+0.0%'],
  [undefined, '–'],
])('an improvement of %f is written %s', (percent, text) => {
  expect(formatImprovement(percent)).toBe(text);
});
