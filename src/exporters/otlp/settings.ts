/**
 * The variables of OpenTelemetry's specification of the OTLP exporter, of the periodic metric reader and of the batch
 * processor of logs, as far as they are about http/protobuf. What is malformed is said, and the default is used.
 */
import { readFileSync } from 'node:fs';
import type { MetricProducerOptions, Temporality } from '../../otel/metric-producer.ts';

/** How a receiver of one signal is reached. */
export interface ReceiverSettings {
  readonly url: URL;
  /** May hold credentials: never to be shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  /** For one export with all its attempts, in milliseconds. */
  readonly timeout: number;
  /** For preparing and exporting together, in milliseconds. */
  readonly exportTimeout: number;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export interface MetricPushSettings extends ReceiverSettings {
  /** From one export to the next, in milliseconds. */
  readonly interval: number;
  readonly producer: Required<Pick<MetricProducerOptions, 'histogram' | 'temporality'>>;
}

export interface LogPushSettings extends ReceiverSettings {
  /** From a record to the export that takes it and those that came meanwhile, in milliseconds. */
  readonly delay: number;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Warn = (problem: string) => void;

type Signal = 'METRICS' | 'LOGS';

/** Reads the environment. Throws an Error, which says why, where no metrics can be exported as it is set. */
export function readMetricSettings(environment: Environment, warn: Warn): MetricPushSettings {
  const read = reader('METRICS', environment, warn);
  return {
    ...receiverSettings('METRICS', environment, read),
    interval: read.milliseconds('OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    exportTimeout: read.milliseconds('OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
    producer: {
      temporality: read.choice<Temporality>(
        'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
        { cumulative: 'cumulative', delta: 'delta', lowmemory: 'lowmemory' },
        'cumulative',
      ),
      histogram: read.choice<'explicit' | 'exponential'>(
        'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
        { explicit_bucket_histogram: 'explicit', base2_exponential_bucket_histogram: 'exponential' },
        'explicit_bucket_histogram',
      ),
    },
  };
}

/** The same for logs. */
export function readLogSettings(environment: Environment, warn: Warn): LogPushSettings {
  const read = reader('LOGS', environment, warn);
  return {
    ...receiverSettings('LOGS', environment, read),
    delay: read.milliseconds('OTEL_BLRP_SCHEDULE_DELAY', 1000),
    exportTimeout: read.milliseconds('OTEL_BLRP_EXPORT_TIMEOUT', 30_000),
  };
}

function receiverSettings(
  signal: Signal,
  environment: Environment,
  read: ReturnType<typeof reader>,
): Omit<ReceiverSettings, 'exportTimeout'> {
  const protocol = read.text('PROTOCOL') ?? 'http/protobuf';
  if (protocol !== 'http/protobuf') throw new Error(`OTLP over ${protocol} is not supported, only http/protobuf is`);
  return {
    url: endpoint(signal, environment),
    headers: { ...read.headers('OTEL_EXPORTER_OTLP_HEADERS'), ...read.headers(`OTEL_EXPORTER_OTLP_${signal}_HEADERS`) },
    gzip: read.choice('COMPRESSION', { none: false, gzip: true }, 'none'),
    timeout: read.milliseconds('TIMEOUT', 10_000),
    tls: {
      ...read.file('ca', 'CERTIFICATE'),
      ...read.file('cert', 'CLIENT_CERTIFICATE'),
      ...read.file('key', 'CLIENT_KEY'),
    },
  };
}

/** The one of the signal is taken as it is; to the common one the path of the signal is added. */
function endpoint(signal: Signal, environment: Environment): URL {
  const ownName = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const own = environment[ownName]?.trim();
  const common = environment.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() || 'http://localhost:4318';
  const name = own ? ownName : 'OTEL_EXPORTER_OTLP_ENDPOINT';
  if (!URL.canParse(own || common)) throw new Error(`${name} is not a URL`);
  const url = new URL(own || common);
  if (!/^https?:$/.test(url.protocol)) throw new Error(`${name} is not a URL of http or https`);
  if (!own) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal.toLowerCase()}`;
  return url;
}

/** Reads variables, by their names or by what follows `OTEL_EXPORTER_OTLP_` and the same with the signal. */
function reader(signal: Signal, environment: Environment, warn: Warn) {
  /** The variable that counts and what it says; an empty one is an unset one. */
  const find = (name: string) => {
    const names = name.startsWith('OTEL_')
      ? [name]
      : [`OTEL_EXPORTER_OTLP_${signal}_${name}`, `OTEL_EXPORTER_OTLP_${name}`];
    const variable = names.find((each) => environment[each]?.trim());
    return variable === undefined ? undefined : { variable, text: environment[variable]?.trim() ?? '' };
  };
  return {
    text: (name: string) => find(name)?.text.toLowerCase(),

    milliseconds(name: string, otherwise: number): number {
      const found = find(name);
      if (found === undefined) return otherwise;
      const value = Number(found.text);
      if (value > 0 && value < 2 ** 31) return value;
      warn(`${found.variable}=${found.text} is no time in milliseconds, ${otherwise} is used`);
      return otherwise;
    },

    choice<T>(name: string, choices: Readonly<Record<string, T>>, otherwise: string): T {
      const found = find(name);
      const text = found?.text.toLowerCase() ?? otherwise;
      if (Object.hasOwn(choices, text)) return choices[text] as T;
      warn(`${found?.variable}=${found?.text} is not one of ${Object.keys(choices).join(', ')}, ${otherwise} is used`);
      return choices[otherwise] as T;
    },

    /** `name=value,…`, percent-encoded. Never shown: they hold credentials. */
    headers(variable: string): Record<string, string> {
      const headers: Record<string, string> = {};
      for (const pair of (environment[variable] ?? '').split(',').filter((part) => part.trim() !== '')) {
        const equals = pair.indexOf('=');
        const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)].map((part) => decoded(part.trim()));
        const legal = equals > 0 && name !== undefined && /^[\w!#$%&'*+.^`|~-]+$/.test(name);
        if (legal && value !== undefined && /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
          headers[name.toLowerCase()] = value;
        else warn(`${variable} has a header that is malformed, it is left out`);
      }
      return headers;
    },

    file<Key extends string>(key: Key, name: string): Partial<Record<Key, Buffer>> {
      const found = find(name);
      if (found === undefined) return {};
      try {
        return { [key]: readFileSync(found.text) } as Record<Key, Buffer>;
      } catch (error) {
        throw new Error(`${found.variable}: ${(error as Error).message}`);
      }
    },
  };
}

/** `undefined` where it is not percent-encoded. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
