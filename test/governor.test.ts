import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Governor, slowest } from '../src/governor.ts';
import { resolveOptions } from '../src/options.ts';
import { openProfiler } from '../src/profiler.ts';
import { SelfTime, type Stage } from '../src/self-time.ts';

const tickSeconds = 5;

/** A governor on a clock of its own, over work of which each tick or sample costs so much. */
function governed(budget = 0.005) {
  let clock = 0;
  const now = () => clock;
  const selfTime = new SelfTime(now);
  const onExceeded = vi.fn<(sentence: string) => void>();
  const governor = new Governor({ budget, tickSeconds, selfTime, now, onExceeded });
  let sinceSample = Number.POSITIVE_INFINITY;
  /**
   * Lets time pass, tick by tick; a sample and the analysis after it take so long, and so do all drains of a tick. The
   * levels it went through.
   */
  function pass(seconds: number, { sample = 0, analyse = 0, drain = 0 }: Partial<Record<Stage, number>>) {
    const levels = [governor.level];
    for (let ticks = seconds / tickSeconds; ticks > 0; ticks -= 1) {
      clock += tickSeconds;
      sinceSample += 1;
      selfTime.add('drain', drain);
      if (sinceSample >= governor.ticksBetweenSamples) {
        selfTime.add('sample', sample);
        selfTime.add('analyse', analyse);
        sinceSample = 0;
      }
      governor.tick();
      if (governor.level !== levels.at(-1)) levels.push(governor.level);
    }
    return levels;
  }
  const add = (stage: Stage, seconds: number) => selfTime.add(stage, seconds);
  return { governor, pass, add, onExceeded };
}

describe('sampling', () => {
  it('of 1 ms stays at full speed, and nothing is said', () => {
    const { governor, pass, onExceeded } = governed();
    expect(pass(600, { sample: 0.001 })).toEqual([0]);
    expect(governor.status()).toEqual({ share: expect.closeTo(0.0002, 6), budget: 0.005, level: 0 });
    expect(onExceeded).not.toHaveBeenCalled();
  });

  it('of 80 ms is slowed step by step until it is within the budget, and stays there', () => {
    const { governor, pass, onExceeded } = governed();
    // 80 ms every 5 s are 1.6 % of a core; every 20 s, 0.4 %.
    expect(pass(3600, { sample: 0.08 })).toEqual([0, 1, 2]);
    expect(governor.ticksBetweenSamples).toBe(4);
    expect(governor.status().share).toBeLessThanOrEqual(0.005);
    expect(onExceeded.mock.calls).toEqual([['its own work exceeds 0.5 % of a core: readings are sampled less often']]);
  });

  it('and analysis are slowed together, whichever of them it is that is dear', () => {
    expect(governed().pass(3600, { analyse: 0.08 })).toEqual([0, 1, 2]);
    expect(governed().pass(3600, { sample: 0.04, analyse: 0.04 })).toEqual([0, 1, 2]);
  });

  it('that can never be within is slowed as far as it goes', () => {
    const { pass } = governed();
    expect(pass(3600, { sample: 2 })).toEqual([0, 1, 2, 3, slowest]);
  });

  it('goes back to full speed once it is cheap again', () => {
    const { pass } = governed();
    pass(3600, { sample: 2 });
    expect(pass(1800, { sample: 0.001 })).toEqual([4, 3, 2, 1, 0]);
  });

  it('that is dear again as soon as it is fast again is tried ever more rarely', () => {
    const { governor, pass } = governed();
    let steps = 0;
    const hours = [1, 2, 3, 4].map(() => {
      const before = steps;
      for (let i = 0; i < 720; i += 1) {
        // Cheap where it is rare, dear where it is frequent: a driver that powers the device up.
        steps += pass(tickSeconds, { sample: governor.level === 0 ? 0.2 : 0.001 }).length - 1;
      }
      return steps - before;
    });
    expect(hours[0]).toBeGreaterThan(3);
    expect(hours[3]).toBeLessThan((hours[0] as number) / 2);
  });
});

describe('what cannot be slowed', () => {
  it('draining over the budget leaves sampling alone, and is said', () => {
    const { pass, onExceeded } = governed();
    expect(pass(600, { sample: 0.001, drain: 0.1 })).toEqual([0]);
    expect(onExceeded.mock.calls).toEqual([
      ['its own work exceeds 0.5 % of a core: it is the delivery of records, which is not slowed down'],
    ]);
  });

  it('scrapes are not counted against it', () => {
    const { governor, pass, add, onExceeded } = governed();
    for (let i = 0; i < 100; i += 1) {
      add('collect', 0.5);
      add('serialise', 0.5);
      pass(tickSeconds, { sample: 0.001 });
    }
    expect(governor.level).toBe(0);
    expect(onExceeded).not.toHaveBeenCalled();
  });
});

it('a larger budget slows nothing', () => {
  expect(governed(0.05).pass(600, { sample: 0.08 })).toEqual([0]);
});

it('a driver that is slow to sample is asked less often, and the metric and the status say so', async () => {
  let samples = 0;
  const sentences: string[] = [];
  const options = resolveOptions({ tickSeconds: 0.3, budget: 0.001 }, {}, () => {});
  const { profiler, state } = await openProfiler(options, {
    onBudgetExceeded: (sentence) => sentences.push(sentence),
    backends: [
      {
        name: 'cpu',
        open: () => ({
          sources: () => [{ name: 'slow', up: true, detail: '' }],
          sample() {
            samples += 1;
            const end = performance.now() + 30;
            while (performance.now() < end);
            return { devices: [] };
          },
          close() {},
        }),
      },
    ],
  });
  onTestFinished(() => profiler.close());
  await vi.waitFor(() => expect(state.self().level).toBeGreaterThanOrEqual(2), { timeout: 8000, interval: 20 });
  const before = samples;
  await new Promise((resolve) => setTimeout(resolve, 2400)); // eight ticks
  expect(samples - before).toBeLessThanOrEqual(3);
  const reached = state.self().level;
  expect(profiler.status().self).toMatchObject({ budget: 0.001, level: reached });
  const { resourceMetrics } = await profiler.metricProducer().collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  const level = metrics.find(({ descriptor }) => descriptor.name === 'accelmeter.governor.level');
  expect(level?.dataPoints.map(({ value }) => value)).toEqual([reached]);
  expect(sentences).toEqual(['its own work exceeds 0.1 % of a core: readings are sampled less often']);
}, 20_000);
