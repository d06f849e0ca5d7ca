/** Findings that a test makes up, and a profiler that tells of them. */
import type { Finding } from '../../src/analyzer/finding.ts';
import { recommendations } from '../../src/analyzer/recommendations.ts';
import type { DeviceChange } from '../../src/device-changes.ts';
import type { EventSource } from '../../src/otel/events.ts';

let last = 0;

/** Raised, about a GPU that starts too many kernels; `more` says what is different. */
export function finding(more: Partial<Finding> = {}): Finding {
  last += 1;
  return {
    id: `launch_bound-${last}`,
    kind: 'bottleneck',
    state: 'raised',
    code: 'launch_bound',
    severity: 'warning',
    device: 'GPU-1',
    deviceName: 'A GPU',
    backend: 'opencl',
    kernel: undefined,
    observed: 2e-5,
    threshold: 2e-4,
    unit: 's',
    sentence: 'A GPU runs 5000 kernels of 20 µs.',
    evidence: { windowSeconds: 60, samples: 5000, counterEvidence: [], unseen: [] },
    recommendations: advice('fuse_kernels', 'batch_operations'),
    raisedAt: '2026-03-01T10:00:00.000Z',
    clearedAt: undefined,
    toString() {
      return this.sentence;
    },
    ...more,
  };
}

/** The same finding when it is over. */
export const over = (raised: Finding, clearedAt = '2026-03-01T10:01:05.000Z'): Finding => ({
  ...raised,
  state: 'cleared',
  clearedAt,
});

export const regression = (more: Partial<Finding> = {}) =>
  finding({
    kind: 'regression',
    code: 'regression',
    kernel: 'matmul',
    observed: 1.3,
    threshold: 1.2,
    unit: '1',
    sentence: 'matmul takes 1.3 ms, a third more than before.',
    change: { before: 0.001, after: 0.0013 },
    recommendations: advice('check_thermals'),
    ...more,
  });

export const advice = (...codes: (keyof typeof recommendations)[]) =>
  codes.map((code) => ({ code, sentence: recommendations[code], link: `docs/RULES.md#${code}` }));

export interface Telling extends EventSource {
  tell(finding: Finding): void;
  tellDevice(change: DeviceChange): void;
  readonly listeners: number;
}

/** Tells listeners what a test says; `findings` were raised before. */
export function telling(findings: readonly Finding[] = []): Telling {
  const listeners = new Map<(told: never) => void, string>();
  const tell = (event: string, told: Finding | DeviceChange) => {
    for (const [listener, of] of listeners) if (of === event) listener(told as never);
  };
  return {
    findings,
    on(event: string, listener: (told: never) => void) {
      listeners.set(listener, event);
      return () => void listeners.delete(listener);
    },
    tell: (told) => tell('finding', told),
    tellDevice: (told) => tell('device', told),
    get listeners() {
      return listeners.size;
    },
  };
}
