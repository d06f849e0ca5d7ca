import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ruleReference } from '../../docs/rules.ts';
import { recommendations } from '../../src/analyzer/recommendations.ts';
import { allRules } from '../../src/analyzer/rules/all.ts';

const reference = readFileSync(join(import.meta.dirname, '../../docs/RULES.md'), 'utf8');
const headings = [...reference.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);

it('docs/RULES.md is what the rules make: `node docs/rules.ts` writes it', () => {
  expect(reference).toBe(ruleReference());
});

it('every rule and every recommendation has one section, to which findings link', () => {
  expect(headings.toSorted()).toEqual(
    [...allRules.map(({ code }) => code), ...Object.keys(recommendations)].toSorted(),
  );
});

it('every link leads to a section', () => {
  const links = [...reference.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter((anchor) => !headings.includes(anchor))).toEqual([]);
});

it('what it says of setting a threshold can be set', () => {
  for (const { code } of allRules) {
    expect(reference).toContain(`\`ACCELMETER_THRESHOLDS=${code}=`);
    expect(reference).toContain(`\`ACCELMETER_SUPPRESS=${code}\``);
  }
});
