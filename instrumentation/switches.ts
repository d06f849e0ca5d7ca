/**
 * What the environment says to `register`, read before the program's first line: so this file loads nothing. What is
 * measured, and within which bounds, is read by `src/options.ts`.
 */
import { basename } from 'node:path';

/** Why nothing is measured. */
export interface Off {
  readonly off: string;
  /** False where the operator switched it off: then nothing needs to be said. */
  readonly say: boolean;
}

export interface On {
  readonly off: undefined;
  /** Where the metrics go; nowhere where only events are wanted. */
  readonly exporters: readonly ExporterName[];
  /**
   * Where the events go: `service`: to the service's LoggerProvider, if it has one; `otlp`: if it has none, to a
   * receiver; `none`: nowhere.
   */
  readonly events: 'service' | 'otlp' | 'none';
  readonly host: string;
  readonly port: number;
  /** Whether a Worker listens. */
  readonly worker: boolean;
  readonly webConfigFile: string | undefined;
  readonly service: string | undefined;
  /** What is odd about the environment, for the line on stderr. */
  readonly warnings: readonly string[];
}

const exporterNames = ['prometheus', 'otlp'] as const;
export type ExporterName = (typeof exporterNames)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** The oldest Node.js that register works on. */
const oldest = [22, 15] as const;

/**
 * True for the file that a package manager is started from. Such a process starts programs and computes nothing; with
 * us in `NODE_OPTIONS` it comes first, and would take the port that the program is to be scraped at.
 */
export function isPackageManager(file = ''): boolean {
  return /^(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack)(?:-cli|-[\d.]+)?(?:\.[cm]?js)?$/.test(basename(file));
}

export function readSwitches(environment: Environment, nodeVersion: string): Off | On {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    return { off: `it needs Node.js ${oldest.join('.')} or later, this is ${nodeVersion}`, say: true };
  }
  const warnings: string[] = [];
  for (const [name, yes] of Object.entries(disablers)) {
    if (isSet(environment, name, yes, ['', '0', 'false'], warnings)) return { off: `${name} is set`, say: false };
  }
  const events = eventsOf(listOf(environment.OTEL_LOGS_EXPORTER), warnings);
  const { exporters, off } = exportersOf(listOf(environment.OTEL_METRICS_EXPORTER), warnings);
  // Each variable speaks for its own signal: who wants events and no metrics gets them.
  if (off !== undefined && events !== 'otlp') return off;
  return {
    off: undefined,
    exporters,
    events,
    host: environment.OTEL_EXPORTER_PROMETHEUS_HOST?.trim() || 'localhost',
    port: portOf(environment.OTEL_EXPORTER_PROMETHEUS_PORT, warnings),
    worker: !isSet(environment, 'ACCELMETER_ENDPOINT_WORKER', ['0', 'false'], ['', '1', 'true'], warnings),
    webConfigFile: environment.ACCELMETER_WEB_CONFIG_FILE?.trim() || undefined,
    service: environment.OTEL_SERVICE_NAME || undefined,
    warnings,
  };
}

interface Exporters {
  readonly exporters: readonly ExporterName[];
  /** Where there are none: why. */
  readonly off?: Off;
}

function exportersOf(listed: readonly string[], warnings: string[]): Exporters {
  const wanted = listed.length > 0 ? listed : ['prometheus']; // a list of nothing is an unset one
  if (wanted.includes('none')) return { exporters: [], off: { off: 'OTEL_METRICS_EXPORTER is none', say: false } };
  const exporters = exporterNames.filter((name) => wanted.includes(name));
  const warning = warnOfUnknown('OTEL_METRICS_EXPORTER', wanted, exporterNames, warnings);
  return exporters.length > 0 || warning === undefined
    ? { exporters }
    : { exporters, off: { off: warning, say: true } };
}

function eventsOf(listed: readonly string[], warnings: string[]): On['events'] {
  if (listed.includes('none')) return 'none';
  warnOfUnknown('OTEL_LOGS_EXPORTER', listed, ['otlp'], warnings);
  return listed.includes('otlp') ? 'otlp' : 'service';
}

/** Gives the warning, where there is one. */
function warnOfUnknown(
  variable: string,
  wanted: readonly string[],
  known: readonly string[],
  warnings: string[],
): string | undefined {
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return undefined;
  const warning = `${variable}=${unknown.join(',')} is not known here, ${known.join(', ')} and none are`;
  warnings.push(warning);
  return warning;
}

/** What switches it off. OpenTelemetry's booleans are true for "true" in any case and nothing else. */
const disablers = { ACCELMETER_DISABLED: ['1', 'true'], OTEL_SDK_DISABLED: ['true'] };

function isSet(
  environment: Environment,
  name: string,
  yes: readonly string[],
  no: readonly string[],
  warnings: string[],
): boolean {
  const value = environment[name]?.trim().toLowerCase() ?? '';
  if (yes.includes(value)) return true;
  if (!no.includes(value)) {
    warnings.push(`${name}=${environment[name]} does not switch it off, ${yes.join(' and ')} would`);
  }
  return false;
}

function listOf(text = ''): string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '');
}

function portOf(text: string | undefined, warnings: string[]): number {
  const otherwise = 9464;
  if (!text?.trim()) return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  warnings.push(`OTEL_EXPORTER_PROMETHEUS_PORT=${text} is no port, ${otherwise} is used`);
  return otherwise;
}
