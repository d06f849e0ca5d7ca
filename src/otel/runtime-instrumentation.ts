/**
 * Whether `@opentelemetry/instrumentation-runtime-node` already tells of this process's event loop and V8. Twice the
 * same name in one place is a conflict, so what it reports we leave to it.
 *
 * Nothing in OpenTelemetry's API says which instruments there are. The SDK's MeterProvider, 2.x and 3.x, keeps a state
 * for every scope that ever asked for a meter; that is looked at, and a provider that is built in another way is taken
 * for one that does not report.
 */
import { metrics } from '@opentelemetry/api';

const scope = '@opentelemetry/instrumentation-runtime-node';
const itsNames = /^(nodejs|v8js)\./;

/** What is looked at of the SDK's MeterProvider. Scopes are keyed `name:version:schema`. */
interface ProviderInside {
  readonly _sharedState?: {
    readonly meterSharedStates?: unknown;
    readonly metricCollectors?: unknown;
  };
}

/** Looks once; the answer is for names of metrics, true for those that the instrumentation reports. */
export function reportedElsewhere(): (name: string) => boolean {
  if (!runtimeInstrumentationReports()) return () => false;
  return (name) => itsNames.test(name);
}

function runtimeInstrumentationReports(): boolean {
  const { meterSharedStates, metricCollectors } = (metrics.getMeterProvider() as ProviderInside)._sharedState ?? {};
  if (!(meterSharedStates instanceof Map) || !Array.isArray(metricCollectors) || metricCollectors.length === 0) {
    return false; // no provider, or one without a reader: nobody gets to see what is recorded there
  }
  return [...meterSharedStates.keys()].some((key) => String(key).startsWith(`${scope}:`));
}
