/** Findings as tests want them: what is not said is as a rule's of no consequence. */
import { type BottleneckCode, type Finding, findingOf, type Severity } from '../../src/analyzer/finding.ts';
import type { RecommendationCode } from '../../src/analyzer/recommendations.ts';
import type { Rule } from '../../src/analyzer/rule.ts';
import { allRules } from '../../src/analyzer/rules/all.ts';
import { windowOf } from './window.ts';

export interface Said {
  readonly code: BottleneckCode;
  readonly severity?: Severity;
  readonly sentence?: string;
  readonly recommends?: readonly RecommendationCode[];
  readonly deviceName?: string;
  readonly clearedAt?: string;
}

/** Raised on an OpenCL device at 12:00:07, of a hundred executions. */
export function found({ code, severity = 'warning', recommends = ['warm_up'], clearedAt, ...said }: Said): Finding {
  const { sentence = `It is ${code}.`, deviceName = 'A GPU' } = said;
  const rule: Rule = { ...(allRules[0] as Rule), code, recommends: () => recommends };
  const window = windowOf('opencl');
  return findingOf(
    { rule, observation: { observed: 2, samples: 100, sentence }, severity, threshold: 1, unit: '1' },
    { ...window, device: { ...window.device, id: deviceName, name: deviceName } },
    { id: code, severity, raisedAt: '2026-11-24T12:00:07.000Z', ...(clearedAt !== undefined && { clearedAt }) },
  );
}
