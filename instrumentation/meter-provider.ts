/**
 * Notices the global MeterProvider that a program registers with the OpenTelemetry API, whenever it does and with
 * whichever copy of the API: all copies of 1.x keep their globals in one object, under this symbol. We never register
 * anything there: what is registered first stays, and its version would bind the program's own API.
 *
 * Runs before the program's first line, so it loads nothing.
 */
import type { MeterProvider } from '@opentelemetry/api';

const key = Symbol.for('opentelemetry.js.api.1');

/**
 * Calls back once with the provider, at once where there is one already. Until then two properties are accessors that
 * behave as what they stand for; after that they are plain again.
 */
export function onGlobalMeterProvider(found: (provider: MeterProvider) => void): void {
  onProperty(globalThis, key, (globals) => {
    if (!isObject(globals)) return;
    onProperty(globals, 'metrics', (provider) => found(provider as MeterProvider));
  });
}

/** Calls back once with the first value that a property has or gets, before who sets it goes on. */
function onProperty(owner: object, name: PropertyKey, found: (value: unknown) => void): void {
  const present: unknown = Reflect.get(owner, name);
  if (present) {
    found(present);
    return;
  }
  const set = (value: unknown) => {
    Reflect.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true });
    if (value) found(value);
  };
  Reflect.defineProperty(owner, name, { get: () => undefined, set, configurable: true, enumerable: true });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
