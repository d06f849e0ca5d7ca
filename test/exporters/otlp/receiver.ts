/**
 * An OTLP receiver that reads requests by the official definitions: opentelemetry-proto 1.9.0, beside this file, under
 * the Apache License 2.0 (The OpenTelemetry Authors). Of logs, `logs-messages.ts` has the fields.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { onTestFinished } from 'vitest';
import { logsMessages } from './logs-messages.ts';

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** One point, of any kind; 64-bit numbers are strings, as in protobuf's JSON. */
export interface OtlpPoint {
  readonly attributes?: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly positive?: { readonly offset: number; readonly bucketCounts: readonly string[] };
}

export interface OtlpData {
  readonly dataPoints: readonly OtlpPoint[];
  readonly aggregationTemporality?: string;
  readonly isMonotonic?: boolean;
}

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: OtlpData;
  readonly sum?: OtlpData;
  readonly histogram?: OtlpData;
  readonly exponentialHistogram?: OtlpData;
}

export interface OtlpRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly metrics: readonly OtlpMetric[];
    }[];
  }[];
}

export interface OtlpRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: string;
  readonly severityText: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly attributes?: readonly KeyValue[];
  readonly eventName: string;
}

export interface OtlpLogs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly logRecords: readonly OtlpRecord[];
    }[];
  }[];
}

const definitions = new protobuf.Root();
definitions.resolvePath = (_, path) =>
  join(import.meta.dirname, 'opentelemetry-proto-1.9.0', path.replace(/^opentelemetry\//, ''));
definitions.loadSync('opentelemetry/proto/collector/metrics/v1/metrics_service.proto');
definitions.addJSON(logsMessages);
definitions.resolveAll();
const logsType = definitions.lookupType('opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest');
const logsResponseType = definitions.lookupType('opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse');
const collector = 'opentelemetry.proto.collector.metrics.v1';
const requestType = definitions.lookupType(`${collector}.ExportMetricsServiceRequest`);
const responseType = definitions.lookupType(`${collector}.ExportMetricsServiceResponse`);

/** Throws where it is not a request by the definitions. */
export function decodeRequest(body: Uint8Array): OtlpRequest {
  return requestType.toObject(requestType.decode(body), { longs: String, enums: String }) as OtlpRequest;
}

/** The same for logs. */
export function decodeLogs(body: Uint8Array): OtlpLogs {
  return logsType.toObject(logsType.decode(body), { longs: String, enums: String }) as OtlpLogs;
}

export const recordsOf = (logs: OtlpLogs | undefined) =>
  (logs?.resourceLogs ?? []).flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));

/** A list as an array, everything else as it is. */
export const attributesOf = (attributes: readonly KeyValue[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

function plain(value: Readonly<Record<string, unknown>>): unknown {
  const [kind, content] = Object.entries(value)[0] ?? [];
  return kind === 'arrayValue'
    ? (content as { values: Readonly<Record<string, unknown>>[] }).values.map(plain)
    : content;
}

export const metricsOf = (request: OtlpRequest | undefined) =>
  (request?.resourceMetrics ?? []).flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));

export interface Arrived {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty for what came to a path of logs. */
  readonly request: OtlpRequest;
  /** Empty for everything else. */
  readonly logs: OtlpLogs;
}

/** What is answered: a status, with a body and headers where wanted. `undefined`: nothing, ever. */
export type Answer = { status: number; body?: Uint8Array; headers?: Record<string, string> } | undefined;

export interface Receiver {
  readonly url: string;
  readonly arrived: readonly Arrived[];
  /** Resolves when so many requests have arrived in all. */
  has(count: number): Promise<void>;
}

export const partialSuccess = (rejectedDataPoints: number, errorMessage: string) =>
  responseType.encode(responseType.create({ partialSuccess: { rejectedDataPoints, errorMessage } })).finish();

export const logsPartialSuccess = (rejectedLogRecords: number, errorMessage: string) =>
  logsResponseType.encode(logsResponseType.create({ partialSuccess: { rejectedLogRecords, errorMessage } })).finish();

/** Closed when the test ends. `answer` is asked with the number of the request, from 0. */
export async function receive(answer: (index: number) => Answer = () => ({ status: 200 })): Promise<Receiver> {
  const arrived: Arrived[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const path = request.url ?? '';
    const isLogs = path.endsWith('/logs');
    arrived.push({
      path,
      headers: request.headers,
      request: isLogs ? { resourceMetrics: [] } : decodeRequest(plain),
      logs: isLogs ? decodeLogs(plain) : { resourceLogs: [] },
    });
    for (const look of waiting) look();
    const given = answer(arrived.length - 1);
    if (given) response.writeHead(given.status, given.headers).end(given.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    arrived,
    has: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (arrived.length >= count) resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
