import { expect, it } from 'vitest';
import { parseResourceAttributes, processResource } from '../../src/otel/resource.ts';

function parse(text: string | undefined) {
  const problems: string[] = [];
  return { attributes: parseResourceAttributes(text, (problem) => problems.push(problem)), problems };
}

it('keys and values are percent-encoded, and blanks around them are none of theirs', () => {
  expect(parse(' a=b , k%2Cl=x%3Dy%20z,, empty= ')).toEqual({
    attributes: { a: 'b', 'k,l': 'x=y z', empty: '' },
    problems: [],
  });
  expect(parse(undefined)).toEqual({ attributes: {}, problems: [] });
});

it.each([['a'], ['=b'], ['a=b=c'], ['a=%zz'], ['%zz=a']])('%s discards the variable, and that is said', (pair) => {
  expect(parse(`good=1,${pair}`)).toEqual({
    attributes: {},
    problems: [`OTEL_RESOURCE_ATTRIBUTES is ignored: "${pair}" is not key=value, percent-encoded`],
  });
});

it('OTEL_SERVICE_NAME comes before the attribute, and the attribute before the default', () => {
  const nameOf = (environment: Record<string, string>) =>
    processResource(environment, 'default').attributes['service.name'];
  const OTEL_RESOURCE_ATTRIBUTES = 'service.name=attribute';
  expect(nameOf({ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME: 'variable' })).toBe('variable');
  expect(nameOf({ OTEL_RESOURCE_ATTRIBUTES })).toBe('attribute');
  expect(nameOf({})).toBe('default');
});
