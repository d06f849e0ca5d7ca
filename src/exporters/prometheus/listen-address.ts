/**
 * Where the endpoint listens: what the code says, else what the environment says, else the defaults.
 *
 * Source: OpenTelemetry specification, "Environment Variable Specification", Prometheus Exporter.
 */
import { diag } from '@opentelemetry/api';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A variable that is empty is as one that is not set; one that is no port is said, and the default is used. */
export function listenAddress(
  { host, port }: { readonly host?: string; readonly port?: number },
  defaults: ListenAddress,
  environment: NodeJS.ProcessEnv = process.env,
): ListenAddress {
  return {
    host: host || environment.OTEL_EXPORTER_PROMETHEUS_HOST?.trim() || defaults.host,
    port: port ?? portOf(environment.OTEL_EXPORTER_PROMETHEUS_PORT) ?? defaults.port,
  };
}

function portOf(given = ''): number | undefined {
  const text = given.trim();
  if (text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 0xffff) return port;
  diag.warn(`Prometheus: OTEL_EXPORTER_PROMETHEUS_PORT=${given} is no port.`);
  return undefined;
}
