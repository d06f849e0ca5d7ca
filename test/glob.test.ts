import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSuppressions } from '../src/analyzer/suppression.ts';
import { Glob } from '../src/glob.ts';
import { checkObjectives } from '../src/objectives.ts';

describe('a pattern with stars', () => {
  it('says what a regular expression of it says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
        expect(new Glob(pattern).test(name)).toBe(new RegExp(`^${parts.join('.*')}$`, 's').test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no time over what a regular expression would take minutes for, wherever it is set', () => {
    const stars = '*a*a*a*a*a*a*a*a*b';
    const name = 'a'.repeat(128);
    const [suppression] = parseSuppressions([`*/${stars}`]);
    const [objective] = checkObjectives({ kernels: { [stars]: { p95: '1ms' } } }) ?? [];
    expect(suppression?.kernel?.test(name)).toBe(false);
    expect(objective?.pattern.test(name)).toBe(false);
    expect(suppression?.kernel?.test(`${name}b`)).toBe(true);
  });
});
