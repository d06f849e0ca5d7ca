import { expect, it } from 'vitest';
import { isPackageManager, readSwitches } from '../../instrumentation/switches.ts';

const node = '24.0.0';

it('with nothing set it listens on localhost:9464', () => {
  expect(readSwitches({}, node)).toEqual({
    off: undefined,
    exporters: ['prometheus'],
    events: 'service',
    host: 'localhost',
    port: 9464,
    worker: true,
    webConfigFile: undefined,
    service: undefined,
    warnings: [],
  });
});

it.each([
  [{ ACCELMETER_DISABLED: '1' }],
  [{ ACCELMETER_DISABLED: 'true' }],
  [{ OTEL_SDK_DISABLED: 'TRUE' }],
  [{ OTEL_METRICS_EXPORTER: 'none' }],
])('%o switches it off without a word', (environment) => {
  expect(readSwitches(environment, node)).toMatchObject({ off: expect.any(String), say: false });
});

it.each([['0'], [''], ['false']])('ACCELMETER_DISABLED=%s leaves it on', (value) => {
  expect(readSwitches({ ACCELMETER_DISABLED: value }, node)).toMatchObject({ off: undefined, warnings: [] });
});

it.each([
  ['ACCELMETER_DISABLED', 'yes'],
  ['OTEL_SDK_DISABLED', 'yes'],
  ['OTEL_SDK_DISABLED', '1'], // not to OpenTelemetry's specification, so the service's own SDK runs as well
])('%s=%s leaves it on, and that is said', (name, value) => {
  expect(readSwitches({ [name]: value }, node)).toMatchObject({
    off: undefined,
    warnings: [expect.stringMatching(`^${name}=${value} does not switch it off, .*true would$`)],
  });
});

it.each([
  ['20.20.2', true],
  ['22.14.0', true],
  ['22.15.0', false],
  ['26.0.0', false],
])('on Node %s: off is %s', (version, off) => {
  expect(readSwitches({}, version).off !== undefined).toBe(off);
});

it.each([
  ['/usr/bin/npm', true],
  ['/usr/lib/node_modules/npm/bin/npm-cli.js', true],
  ['/usr/bin/npx', true],
  ['/app/.yarn/releases/yarn-4.9.1.cjs', true],
  ['/usr/lib/node_modules/pnpm/bin/pnpm.cjs', true],
  ['/app/server.js', false],
  ['/app/yarn-shop.js', false],
  ['/npm/index.js', false],
  [undefined, false],
])('%s is a package manager: %s', (file, answer) => {
  expect(isPackageManager(file)).toBe(answer);
});

it.each([
  ['otlp', ['otlp']],
  ['prometheus,otlp', ['prometheus', 'otlp']],
  [' OTLP , Prometheus ', ['prometheus', 'otlp']],
  ['', ['prometheus']],
])('OTEL_METRICS_EXPORTER="%s" asks for %o', (value, exporters) => {
  expect(readSwitches({ OTEL_METRICS_EXPORTER: value }, node)).toMatchObject({ exporters, warnings: [] });
});

it.each([
  [undefined, 'service'],
  ['', 'service'],
  ['otlp', 'otlp'],
  ['none', 'none'],
  ['otlp,none', 'none'],
])('OTEL_LOGS_EXPORTER=%s sends events to: %s', (value, events) => {
  const environment = value === undefined ? {} : { OTEL_LOGS_EXPORTER: value };
  expect(readSwitches(environment, node)).toMatchObject({ events, exporters: ['prometheus'], warnings: [] });
});

it('an exporter of logs that it does not have is said', () => {
  const warning = 'OTEL_LOGS_EXPORTER=console is not known here, otlp and none are';
  expect(readSwitches({ OTEL_LOGS_EXPORTER: 'console' }, node)).toMatchObject({
    events: 'service',
    warnings: [warning],
  });
  const both = readSwitches({ OTEL_LOGS_EXPORTER: 'console,otlp' }, node);
  expect(both).toMatchObject({ events: 'otlp', warnings: [warning] });
});

it.each([['none'], ['console']])('with OTEL_METRICS_EXPORTER=%s events can still be asked for', (metrics) => {
  const environment = { OTEL_METRICS_EXPORTER: metrics, OTEL_LOGS_EXPORTER: 'otlp' };
  expect(readSwitches(environment, node)).toMatchObject({ off: undefined, exporters: [], events: 'otlp' });
});

it('an exporter it does not have is said; those that it has beside it still work', () => {
  expect(readSwitches({ OTEL_METRICS_EXPORTER: 'console' }, node)).toMatchObject({ say: true });
  const both = readSwitches({ OTEL_METRICS_EXPORTER: 'console,otlp' }, node);
  expect(both).toMatchObject({ exporters: ['otlp'], warnings: [expect.stringContaining('console')] });
});

it.each([['abc'], ['70000'], ['-1'], ['80.5']])('a port of %s is said and 9464 is used', (port) => {
  expect(readSwitches({ OTEL_EXPORTER_PROMETHEUS_PORT: port }, node)).toMatchObject({
    port: 9464,
    warnings: [expect.stringContaining(port)],
  });
});
