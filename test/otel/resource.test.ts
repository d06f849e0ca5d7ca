import { detectResources, envDetector } from '@opentelemetry/resources';
import { afterEach, expect, it, vi } from 'vitest';
import { processResource } from '../../src/otel/resource.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it.each([
  'service.version=1.2,deployment.environment.name=a%20b',
  ' padded = both sides ',
  'empty=',
  'quoted="yes"',
  'twice=1,twice=2',
  'a=b=c',
  'good=1,bad',
  '=nameless',
  'good=1,bad=%E0%A4%A',
  '',
])("OTEL_RESOURCE_ATTRIBUTES=%j is read as the SDK's own detector reads it", (text) => {
  vi.stubEnv('OTEL_SERVICE_NAME', undefined);
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', text);
  const ours = processResource(process.env).attributes;
  const always = Object.keys(processResource({}).attributes);
  const read = Object.fromEntries(Object.entries(ours).filter(([name]) => !always.includes(name)));
  expect(read).toEqual(detectResources({ detectors: [envDetector] }).attributes);
});

it('OTEL_SERVICE_NAME goes before the attributes, and these before the name that was given', () => {
  const OTEL_RESOURCE_ATTRIBUTES = 'service.name=by-attributes';
  const nameIn = (environment: Record<string, string>, given?: string) =>
    processResource(environment, given).attributes['service.name'];
  expect(nameIn({})).toBe('unknown_service:node');
  expect(nameIn({}, 'given')).toBe('given');
  expect(nameIn({ OTEL_RESOURCE_ATTRIBUTES }, 'given')).toBe('by-attributes');
  expect(nameIn({ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME: 'by-name' }, 'given')).toBe('by-name');
});

it('has one instance id a process, however many resources are made', () => {
  const id = () => processResource({}).attributes['service.instance.id'];
  expect(id()).toMatch(/^[0-9a-f-]{36}$/);
  expect(id()).toBe(id());
});
