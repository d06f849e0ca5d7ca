import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '../src/backend.ts';
import { Governor } from '../src/governor.ts';
import { Loop } from '../src/loop.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { SelfTime } from '../src/self-time.ts';
import { supervise } from '../src/supervisor.ts';

const now = () => performance.now() / 1000;
const analysis = { tick() {}, pause() {}, resume() {} };

/** A started loop over one device whose drain is `drain`. */
function started(drain: () => boolean, tickSeconds: number) {
  const profile = new DeviceProfile({ id: 'g', backend: 'opencl', type: 'gpu', name: 'G', index: 0 }, { now });
  const session: Session = { sources: () => [], drain, close() {} };
  const selfTime = new SelfTime(now);
  const loop = new Loop({
    sessions: [supervise('opencl', session, now)],
    profiles: new Map([['g', profile]]),
    selfTime,
    analysis,
    governor: new Governor({ budget: 1, tickSeconds, selfTime, now }),
    tickSeconds,
    now,
  });
  loop.start();
  onTestFinished(() => loop.stop());
  return { loop, profile };
}

const hold = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it('what ran while the event loop was held is in the interval in which it ran', async () => {
  let slices = 0;
  const { profile } = started(() => {
    if (slices === 0) return false;
    profile.kernel('k').record(0.06);
    slices -= 1;
    return slices > 0;
  }, 0.4);
  await pause(10);
  slices = 5;
  hold(600);
  const before = profile.utilization;
  while (profile.utilization === before) await pause(5);
  // The interval is one of 0.6 s: all five are in it, not only the first.
  expect(profile.utilization).toBeGreaterThan(0.3);
  expect(profile.totals().count).toBe(5);
});

it('a drain that takes many turns holds each for one slice, however many wait for it', async () => {
  let drains = 0;
  let most = 0;
  const until = performance.now() + 700;
  const { loop } = started(() => {
    drains += 1;
    return performance.now() < until;
  }, 0.2);
  while (performance.now() < until) {
    drains = 0;
    void loop.refresh();
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, drains);
    hold(5);
  }
  // One that was waited for, and one by who came after it in the same turn.
  expect(most).toBeLessThanOrEqual(2);
});

describe('drains', () => {
  /** How often a loop drains in ten seconds where each drain finds so many records, and how many timers it has. */
  async function paced(recordsPerDrain: number | undefined) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const profile = new DeviceProfile({ id: 'g', backend: 'opencl', type: 'gpu', name: 'G', index: 0 }, { now });
    let drains = 0;
    const drain = (records: number) => () => {
      drains += 1;
      for (let i = 0; i < records; i += 1) profile.deliver({ kind: 'allocation', bytes: 1 });
      return false;
    };
    const session: Session = {
      sources: () => [],
      close() {},
      ...(recordsPerDrain !== undefined && { drain: drain(recordsPerDrain) }),
    };
    const selfTime = new SelfTime(now);
    const loop = new Loop({
      sessions: [supervise('opencl', session, now)],
      profiles: new Map([['g', profile]]),
      selfTime,
      analysis,
      governor: new Governor({ budget: 1, tickSeconds: 60, selfTime, now }),
      tickSeconds: 60,
      now,
    });
    loop.start();
    onTestFinished(() => loop.stop());
    const timers = vi.getTimerCount();
    await vi.advanceTimersByTimeAsync(10_000);
    return { drains, timers };
  }

  it('wake a quiet process four times a second', async () => {
    expect(await paced(0)).toEqual({ drains: 40, timers: 2 });
    expect((await paced(500)).drains).toBe(40);
  });

  it('come ten times a second where a ring would fill within seconds', async () => {
    const { drains } = await paced(10_000);
    expect(drains).toBeGreaterThan(95);
  });

  it('do not wake a process that has nothing to drain', async () => {
    expect(await paced(undefined)).toEqual({ drains: 0, timers: 1 });
  });
});

it('has every interval analysed with what the last sample told of the process; slowed down, rules look as rarely as it samples', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const process = [{ name: 'process.uptime', value: 5 }] as const;
  const session: Session = { sources: () => [], sample: () => ({ devices: [], process }), close() {} };
  const analysed: unknown[][] = [];
  const selfTime = new SelfTime(now);
  const governor = new Governor({ budget: 0.01, tickSeconds: 1, selfTime, now });
  const loop = new Loop({
    sessions: [supervise('cpu', session, now)],
    profiles: new Map(),
    selfTime,
    analysis: { ...analysis, tick: (...args) => void analysed.push(args) },
    governor,
    tickSeconds: 1,
    now,
  });
  loop.start();
  onTestFinished(() => loop.stop());
  await vi.advanceTimersByTimeAsync(10_000);
  expect(analysed).toEqual(new Array(11).fill([process, true]));
  selfTime.add('analyse', 10);
  await vi.advanceTimersByTimeAsync(1000);
  expect(governor.level).toBe(1);
  analysed.length = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(analysed).toHaveLength(10);
  expect(analysed.filter(([, look]) => look)).toHaveLength(5);
});
