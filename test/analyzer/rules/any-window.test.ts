/** Whatever a window says, also nonsense that drivers and clocks make up: what rules say is finite, and reads well. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { observe } from '../../../src/analyzer/observe.ts';
import { allRules } from '../../../src/analyzer/rules/all.ts';
import type { Durations, Window } from '../../../src/profile/window.ts';
import { windowOf } from '../window.ts';

const number = fc.oneof(
  fc.double({ min: 0, max: 1 }),
  fc.double({ min: 0, max: 1e12, noNaN: true }),
  fc.constantFrom(0, -1, 1e-9, 61, 1e300, Number.NaN, Number.POSITIVE_INFINITY),
);
const count = fc.oneof(fc.nat(30), fc.nat(1e9));
const perhaps = fc.option(number, { nil: undefined });
const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), number);

const durations: fc.Arbitrary<Durations> = fc
  .record({ count, failures: fc.oneof(fc.constant(0), count), sum: number, mean: perhaps, deviation: perhaps })
  .chain((fields) =>
    perhaps.map(
      (value) => ({ ...fields, quantile: () => value, quantileError: 0.02, buckets: [] }) satisfies Durations,
    ),
  );
const optional = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });

const anyWindow: fc.Arbitrary<Window> = fc
  .record({
    seconds: number,
    age: number,
    kernels: durations,
    byKernel: fc.array(
      durations.map((each) => ({ ...each, name: 'k', halves: () => undefined, means: () => new Float64Array() })),
      { maxLength: 3 },
    ),
    busySeconds: number,
    inFlightSeconds: number,
    utilization: perhaps,
    transfers: fc.record({
      count,
      bytes: number,
      seconds: number,
      exposedSeconds: number,
      large: fc.record({ count, bytes: number, seconds: number }),
    }),
    waits: durations,
    compilation: fc.record({ count, seconds: number }),
    memory: fc.record({ usage: perhaps, limit: perhaps, growth: perhaps, failedAllocations: count }),
    overObjective: fc.constantFrom([], [{ kernel: 'k', quantile: 'p95' as const, objective: 0.01, exceeded: 0.1 }]),
    process: optional({
      eventLoopUtilization: share,
      threadPoolUtilization: share,
      threadPoolWait: number,
      heapUsage: number,
      heapLimit: number,
      containerUsage: number,
      containerLimit: number,
    }),
    hardware: optional({
      utilization: share,
      temperature: number,
      thermalThrottle: share,
      powerThrottle: share,
      clockRatio: share,
      thermalState: number,
      link: fc.record({
        generation: fc.nat(8),
        maxGeneration: fc.nat(8),
        width: fc.nat(16),
        maxWidth: fc.nat(16),
        bandwidth: number,
      }),
      uncorrectedErrors: count,
      criticalXids: count,
      rowRemapPending: fc.boolean(),
    }),
  })
  .chain((stated) =>
    fc.constantFrom('cpu', 'cuda', 'opencl', 'metal', 'webgpu').map((backend) => windowOf(backend, stated)),
  );

it('numbers are finite, shares of nothing are not told, sentences have no NaN in them', () => {
  const seen = new Set<string>();
  const profiles = fc.constantFrom('production', 'guide');
  fc.assert(
    fc.property(anyWindow, profiles, (window, profile) => {
      const { sightings, faults } = observe(window, { profile });
      expect(faults).toBe(0);
      for (const { rule, observation, threshold, unit } of sightings) {
        seen.add(rule.code);
        const text = [observation.sentence, ...(observation.counterEvidence ?? [])].join('\n');
        expect(text).not.toMatch(/NaN|undefined|Infinity|null|\[object/);
        expect(Number.isFinite(observation.observed) && Number.isFinite(threshold)).toBe(true);
        expect(observation.samples).toBeGreaterThanOrEqual(rule.samples.fewest);
        expect(unit).not.toBe('');
      }
    }),
    { numRuns: 3000, seed: 4 },
  );
  // Windows in which no rule sees anything would prove nothing. Causes hide the two others most of the time.
  expect(seen.size).toBeGreaterThanOrEqual(allRules.length - 2);
});
