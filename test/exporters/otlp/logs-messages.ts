/**
 * Names, numbers and types of the fields of OTLP's messages of logs, for protobufjs: those of
 * `opentelemetry/proto/logs/v1/logs.proto` and `opentelemetry/proto/collector/logs/v1/logs_service.proto` in
 * opentelemetry-proto 1.9.0. That they are right is tested with what the official exporter sends.
 */
import type { INamespace } from 'protobufjs';

const field = (id: number, type: string) => ({ id, type });
const repeated = (id: number, type: string) => ({ id, type, rule: 'repeated' });

const common = 'opentelemetry.proto.common.v1';

/** Every severity has four steps; the first has no number. */
const severities = Object.fromEntries(
  ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name, i) =>
    ['', '2', '3', '4'].map((step, j) => [`SEVERITY_NUMBER_${name}${step}`, 1 + 4 * i + j]),
  ),
);

const logs = {
  ResourceLogs: {
    fields: {
      resource: field(1, 'opentelemetry.proto.resource.v1.Resource'),
      scopeLogs: repeated(2, 'ScopeLogs'),
      schemaUrl: field(3, 'string'),
    },
  },
  ScopeLogs: {
    fields: {
      scope: field(1, `${common}.InstrumentationScope`),
      logRecords: repeated(2, 'LogRecord'),
      schemaUrl: field(3, 'string'),
    },
  },
  SeverityNumber: { values: { SEVERITY_NUMBER_UNSPECIFIED: 0, ...severities } },
  LogRecord: {
    fields: {
      timeUnixNano: field(1, 'fixed64'),
      severityNumber: field(2, 'SeverityNumber'),
      severityText: field(3, 'string'),
      body: field(5, `${common}.AnyValue`),
      attributes: repeated(6, `${common}.KeyValue`),
      droppedAttributesCount: field(7, 'uint32'),
      flags: field(8, 'fixed32'),
      traceId: field(9, 'bytes'),
      spanId: field(10, 'bytes'),
      observedTimeUnixNano: field(11, 'fixed64'),
      eventName: field(12, 'string'),
    },
  },
};

const service = {
  ExportLogsServiceRequest: {
    fields: { resourceLogs: repeated(1, 'opentelemetry.proto.logs.v1.ResourceLogs') },
  },
  ExportLogsServiceResponse: { fields: { partialSuccess: field(1, 'ExportLogsPartialSuccess') } },
  ExportLogsPartialSuccess: {
    fields: { rejectedLogRecords: field(1, 'int64'), errorMessage: field(2, 'string') },
  },
};

const within = (path: readonly string[], messages: object): object =>
  path.reduceRight<object>((inner, name) => ({ [name]: { nested: inner } }), messages);

/** To be added to a root that has `common.proto` and `resource.proto`. */
export const logsMessages = within(['opentelemetry', 'proto'], {
  logs: { nested: { v1: { nested: logs } } },
  collector: { nested: { logs: { nested: { v1: { nested: service } } } } },
}) as Record<string, INamespace>;
