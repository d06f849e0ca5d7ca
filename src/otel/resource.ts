/**
 * The resource of this process, where no SDK gives one: `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`, the host
 * and the process, as OpenTelemetry's resource SDK specification says.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Attributes } from '@opentelemetry/api';
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
    ...parseResourceAttributes(environment.OTEL_RESOURCE_ATTRIBUTES),
  };
  if (environment.OTEL_SERVICE_NAME) attributes['service.name'] = environment.OTEL_SERVICE_NAME;
  return resourceOf(attributes);
}

/** Comma-separated `key=value`, values percent-encoded. Anything malformed discards the variable, as specified. */
function parseResourceAttributes(text = ''): Attributes {
  const attributes: Attributes = {};
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [key, value, ...more] = pair.split('=');
    if (!key?.trim() || value === undefined || more.length > 0) return {};
    try {
      attributes[key.trim()] = decodeURIComponent(value.trim());
    } catch {
      return {};
    }
  }
  return attributes;
}

function resourceOf(attributes: Attributes): Resource {
  return {
    attributes,
    merge: (other) => resourceOf({ ...attributes, ...other?.attributes }),
    getRawAttributes: () => Object.entries(attributes),
  };
}
