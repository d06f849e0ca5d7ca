/**
 * Where log records can go, without a package that has their types: OpenTelemetry's logs are in `@opentelemetry/api`
 * from 1.10 on, and in `@opentelemetry/api-logs` for services on the SDK's 2.x line. The two keep their global provider
 * under different keys and do not see each other.
 */
import type { Context } from '@opentelemetry/api';

/** What both APIs take as attributes. */
export type EventAttributes = Record<string, string | number | string[]>;

/** A record of a log, as both APIs take it. */
export interface EventRecord {
  readonly eventName: string;
  readonly timestamp: Date;
  /** OpenTelemetry's: 9 is INFO, 13 WARN, 17 ERROR. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: string;
  readonly attributes: EventAttributes;
  readonly context?: Context;
}

/** What of a LoggerProvider is used: those of both APIs are of this shape. */
export interface EventLoggerProvider {
  getLogger(name: string, version?: string): { emit(record: EventRecord): void };
}

/** All copies of the API 1.x keep their globals in one object, under this symbol. */
const api = Symbol.for('opentelemetry.js.api.1');
const apiLogs = Symbol.for('io.opentelemetry.js.api.logs');
/** Of the contract between copies of api-logs. There has been no other. */
const apiLogsVersion = 1;

/**
 * The LoggerProvider that is registered now, `undefined` where there is none: that of `@opentelemetry/api` before that
 * of `@opentelemetry/api-logs`. Cheap enough to be asked at every event, so that one that is registered later counts.
 */
export function globalLoggerProvider(): EventLoggerProvider | undefined {
  const globals: unknown = Reflect.get(globalThis, api);
  const provider: unknown = typeof globals === 'object' && globals !== null ? Reflect.get(globals, 'logs') : undefined;
  if (isLoggerProvider(provider)) return provider;
  const get: unknown = Reflect.get(globalThis, apiLogs);
  const older: unknown = typeof get === 'function' ? get(apiLogsVersion) : undefined;
  return isLoggerProvider(older) ? older : undefined;
}

function isLoggerProvider(value: unknown): value is EventLoggerProvider {
  return typeof value === 'object' && value !== null && 'getLogger' in value && typeof value.getLogger === 'function';
}
