/** Every rule is seen above its threshold and nothing is seen just short of it. */
import { expect, it } from 'vitest';
import { observe } from '../../../src/analyzer/observe.ts';
import { cases } from '../cases.ts';

const codes = (...of: Parameters<typeof observe>) => observe(...of).sightings.map(({ rule }) => rule.code);

it.each(Object.entries(cases))('%s is seen, and nothing beside it', (code, { raised }) => {
  expect(codes(raised)).toEqual([code]);
});

it.each(Object.entries(cases))('just short of %s nothing is seen', (_, { clear }) => {
  expect(codes(clear)).toEqual([]);
});
