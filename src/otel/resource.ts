/**
 * The resource of this process, where no SDK gives one: `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, the host
 * and the process, as OpenTelemetry's resource SDK specification says.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Attributes, diag } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';

type Resource = ResourceMetrics['resource'];

/** One for the process, however many producers there are. */
const instanceId = randomUUID();

/** `service`: the name where the environment gives none. */
export function processResource(
  environment: Readonly<Record<string, string | undefined>>,
  service = 'unknown_service:node',
): Resource {
  const attributes: Attributes = {
    'service.name': service,
    'service.instance.id': instanceId,
    'host.name': hostname(),
    'process.pid': process.pid,
    ...parseResourceAttributes(environment.OTEL_RESOURCE_ATTRIBUTES, (problem) => diag.warn(problem)),
  };
  if (environment.OTEL_SERVICE_NAME) attributes['service.name'] = environment.OTEL_SERVICE_NAME;
  return resourceOf(attributes);
}

/**
 * Comma-separated `key=value`, both percent-encoded. Anything malformed discards the variable, as specified, and
 * `warn` is told what.
 */
export function parseResourceAttributes(text: string | undefined, warn: (problem: string) => void): Attributes {
  const attributes: Attributes = {};
  for (const pair of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const [key, value, ...more] = pair.split('=').map((part) => decoded(part.trim()));
    if (!key || value === undefined || more.length > 0) {
      warn(`OTEL_RESOURCE_ATTRIBUTES is ignored: "${pair.trim()}" is not key=value, percent-encoded`);
      return {};
    }
    attributes[key] = value;
  }
  return attributes;
}

/** `undefined` where it is not percent-encoded. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function resourceOf(attributes: Attributes): Resource {
  return {
    attributes,
    merge: (other) => resourceOf({ ...attributes, ...other?.attributes }),
    getRawAttributes: () => Object.entries(attributes),
  };
}
