import { formatSeconds, formatShare } from '../../quantity.ts';
import { isAfterStartUp } from '../in-use.ts';
import type { Rule } from '../rule.ts';

/** One kernel that is first used late is no pattern. */
const fewest = 3;

/** Users wait for compilers. */
export const compilingWhileServing: Rule = {
  code: 'compiling_while_serving',
  kind: 'bottleneck',
  severity: 'warning',
  looksFor: 'The share of the time that compilations took, once the whole window lies behind the first minute.',
  thresholds: { cuda: 0.01, opencl: 0.01, metal: 0.01, webgpu: 0.01 },
  unit: '1',
  samples: { fewest, of: 'compilations' },
  fault: 'above',
  range: [0, 1],
  recommends: () => ['precompile_kernels'],
  hides: [],
  find(window, { threshold }) {
    const { compilation, seconds } = window;
    if (compilation.count < fewest || !isAfterStartUp(window)) return [];
    const observed = compilation.seconds / seconds;
    if (!(observed > threshold)) return [];
    const sentence = `${compilation.count} compilations took ${formatSeconds(compilation.seconds)}, ${formatShare(observed)} of the time.`;
    return [{ observed, samples: compilation.count, sentence }];
  },
};
