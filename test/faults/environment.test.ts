/** Every variable that accelmeter reads, malformed: the service runs on, and the line says what was not understood. */
import { describe, expect, it } from 'vitest';
import { expectUnharmed, watch } from './watch.ts';

const long = 'x'.repeat(60_000);

/** A variable, its value, and what the line says of it; `quiet` where there is nothing to say. */
const quiet = /^accelmeter \S+ {2}http:\/\/127/;
const faults: readonly (readonly [string, string, RegExp])[] = [
  ['ACCELMETER_DISABLED', 'perhaps', /ACCELMETER_DISABLED=perhaps does not switch it off/],
  ['OTEL_SDK_DISABLED', 'yes', /OTEL_SDK_DISABLED=yes does not switch it off/],
  ['OTEL_METRICS_EXPORTER', 'prometheus,nonsense', /OTEL_METRICS_EXPORTER=nonsense is not known here/],
  ['OTEL_METRICS_EXPORTER', ',,', quiet],
  ['OTEL_LOGS_EXPORTER', 'nonsense', /OTEL_LOGS_EXPORTER=nonsense is not known here/],
  ['OTEL_EXPORTER_PROMETHEUS_HOST', 'no such host', /not served, .*no such host/],
  ['OTEL_EXPORTER_PROMETHEUS_HOST', '192.0.2.1', /not served, .*EADDRNOTAVAIL/],
  ['ACCELMETER_WEB_CONFIG_FILE', '/nowhere/web.yml', /not served, \/nowhere\/web.yml: it cannot be read: ENOENT/],
  ['ACCELMETER_ENDPOINT_WORKER', 'perhaps', /ACCELMETER_ENDPOINT_WORKER=perhaps does not switch it off/],
  ['OTEL_SERVICE_NAME', 'a "service"\nof\\two lines', quiet],
  ['OTEL_RESOURCE_ATTRIBUTES', '=,a,b=%zz,c=d=e', /OTEL_RESOURCE_ATTRIBUTES/],
  ['OTEL_RESOURCE_ATTRIBUTES', long, /OTEL_RESOURCE_ATTRIBUTES/],
  ['ACCELMETER_BACKENDS', 'cpuu,,opencl', /ACCELMETER_BACKENDS=cpuu,,opencl is ignored/],
  ['ACCELMETER_MAX_KERNELS', '-3', /ACCELMETER_MAX_KERNELS=-3 is ignored/],
  ['ACCELMETER_MAX_KERNELS', '1e9', /ACCELMETER_MAX_KERNELS=1e9 is ignored/],
  ['ACCELMETER_OPENCL_LIBRARY', '/tmp', /./],
  ['ACCELMETER_OPENCL_LIBRARY', long, /./],
  ['ACCELMETER_BUDGET', 'half', /ACCELMETER_BUDGET=half is ignored/],
  ['ACCELMETER_OBJECTIVES', '{"kernels":{"*":{"p95":10}}}', /is ignored: as JSON: .*must be a time with its unit/],
  ['ACCELMETER_OBJECTIVES', '/dev/zero', /ACCELMETER_OBJECTIVES=\/dev\/zero is ignored: .*it is no file/],
  ['ACCELMETER_OBJECTIVES', long, /ACCELMETER_OBJECTIVES=x+… is ignored: as the path of a file/],
  ['ACCELMETER_EXTRA_METRICS', 'wealth', /ACCELMETER_EXTRA_METRICS=wealth is ignored/],
  ['OCL_ICD_VENDORS', '/dev/null', quiet],
  ['OPENCL_LAYERS', '::/nowhere.so:', quiet],
];

/** A receiver that is not there; and what a push that is set up badly says of each variable. */
const nowhere = 'http://127.0.0.1:1';
const otlp: readonly (readonly [string, string, RegExp])[] = [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'not a URL', /OTEL_EXPORTER_OTLP_ENDPOINT is not a URL/],
  ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'ftp://127.0.0.1', /METRICS_ENDPOINT is not a URL of http or https/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'carrier-pigeon', /carrier-pigeon is not supported/],
  ['OTEL_EXPORTER_OTLP_HEADERS', '=,\n:', /HEADERS/],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', 'soon', /TIMEOUT=soon/],
  ['OTEL_METRIC_EXPORT_INTERVAL', '-1', /OTEL_METRIC_EXPORT_INTERVAL=-1/],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nowhere.pem', /nowhere.pem/],
  ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'both', /TEMPORALITY_PREFERENCE=both/],
  ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', 'x', /HISTOGRAM_AGGREGATION=x/],
  ['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', 'ftp://127.0.0.1', /LOGS_ENDPOINT is not a URL of http or https/],
  ['OTEL_BLRP_SCHEDULE_DELAY', 'soon', /OTEL_BLRP_SCHEDULE_DELAY=soon/],
];

describe('a service started with', () => {
  it.concurrent.each(faults)('%s=%.40s', async (name, value, says) => {
    const watched = await watch(['idle.mjs', '3000'], { environment: { [name]: value } });
    expectUnharmed(watched);
    expect(watched.stderr).toMatch(says);
    expect(watched.stderr.length).toBeLessThan(2000);
  });

  it.concurrent.each(otlp)('OTLP and %s=%.40s', async (name, value, says) => {
    const environment = {
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: nowhere,
      [name]: value,
    };
    const watched = await watch(['idle.mjs', '3000'], { environment });
    expectUnharmed(watched, { firsts: 2 }); // the only push is the last one
    expect(watched.stderr).toMatch(says);
  });

  it.concurrent('a port that is none: 9464 is used, or said to be taken', async () => {
    const watched = await watch(['idle.mjs', '3000'], { environment: { OTEL_EXPORTER_PROMETHEUS_PORT: '70000' } });
    expectUnharmed(watched);
    expect(watched.stderr).toMatch(/9464.*OTEL_EXPORTER_PROMETHEUS_PORT=70000 is no port, 9464 is used/);
  });
});
