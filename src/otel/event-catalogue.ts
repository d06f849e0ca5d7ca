/**
 * Every event once, as data: what `events.ts` emits is typed by it, and docs/METRICS.md is written from it. An event is
 * a log record with a name, in OpenTelemetry's sense; its attributes are flat.
 */
import type { Finding, Severity } from '../analyzer/finding.ts';
import type { AttributeValues } from '../catalogue.ts';

/** Attributes of events, with the values they can take. */
export interface EventAttributeValues
  extends Pick<AttributeValues, 'accelmeter.kernel.name' | 'error.type' | 'hw.name'> {
  'accelmeter.backend': Finding['backend'];
  'accelmeter.bottleneck.code': string;
  'accelmeter.bottleneck.counter_evidence': readonly string[];
  'accelmeter.bottleneck.duration': number;
  'accelmeter.bottleneck.observed': number;
  'accelmeter.bottleneck.recommendations': readonly string[];
  'accelmeter.bottleneck.samples': number;
  'accelmeter.bottleneck.severity': Severity;
  'accelmeter.bottleneck.threshold': number;
  'accelmeter.bottleneck.unit': string;
  'accelmeter.bottleneck.unseen': readonly string[];
  'accelmeter.bottleneck.window': number;
  'accelmeter.finding.id': string;
  'accelmeter.recommendation.code': string;
  'accelmeter.recommendation.link': string;
  'accelmeter.regression.after': number;
  'accelmeter.regression.before': number;
  'accelmeter.regression.ratio': number;
  'hw.id': string;
  'hw.type': string;
}
export type EventAttributeName = keyof EventAttributeValues;

/** What each attribute says, with its unit in UCUM where it has one. */
export const eventAttributes: Readonly<Record<EventAttributeName, { readonly brief: string; readonly unit?: string }>> =
  {
    'accelmeter.backend': { brief: 'The backend that sees the device.' },
    'accelmeter.bottleneck.code': { brief: 'The rule, as in `accelmeter.bottleneck.active`.' },
    'accelmeter.bottleneck.counter_evidence': { brief: 'What qualifies it: "busy 96 %".' },
    'accelmeter.bottleneck.duration': { brief: 'From being raised to being cleared.', unit: 's' },
    'accelmeter.bottleneck.observed': { brief: 'What was seen, in `accelmeter.bottleneck.unit`.' },
    'accelmeter.bottleneck.recommendations': { brief: 'Codes of what would help.' },
    'accelmeter.bottleneck.samples': { brief: 'Executions, copies or intervals that it stands on.' },
    'accelmeter.bottleneck.severity': { brief: '`info`, `warning`, `error` or `critical`.' },
    'accelmeter.bottleneck.threshold': { brief: 'What it was compared with, in the same unit.' },
    'accelmeter.bottleneck.unit': { brief: 'Unit of what was observed, in UCUM.' },
    'accelmeter.bottleneck.unseen': { brief: 'Sources that were down meanwhile.' },
    'accelmeter.bottleneck.window': { brief: 'The stretch of time that was looked at.', unit: 's' },
    'accelmeter.finding.id': { brief: 'The same from detected to cleared; unique in the process.' },
    'accelmeter.kernel.name': { brief: 'The kernel it is about.' },
    'accelmeter.recommendation.code': { brief: 'Short and stable, for machines.' },
    'accelmeter.recommendation.link': { brief: 'Where to read more, relative to the package and to its repository.' },
    'accelmeter.regression.after': { brief: 'Mean duration of the kernel now.', unit: 's' },
    'accelmeter.regression.before': { brief: 'Mean duration of the kernel before.', unit: 's' },
    'accelmeter.regression.ratio': { brief: 'After over before: 1.3 is slower by three tenths.', unit: '1' },
    'error.type': { brief: 'Why it is gone.' },
    'hw.id': { brief: 'The device, as in the metrics.' },
    'hw.name': { brief: 'Its name, for people.' },
    'hw.type': { brief: 'Its kind: gpu, cpu.' },
  };

/** The severities that events have, with OpenTelemetry's numbers. */
export const severityNumbers = { INFO: 9, WARN: 13, ERROR: 17 } as const;
export type EventSeverity = keyof typeof severityNumbers;

/**
 * A finding's severity as a log's: `critical` is an error of the device's, not the end of the program that FATAL stands
 * for. Which of the two it is says `accelmeter.bottleneck.severity`.
 */
export const severityOf = {
  info: 'INFO',
  warning: 'WARN',
  error: 'ERROR',
  critical: 'ERROR',
} as const satisfies Readonly<Record<Severity, EventSeverity>>;

export interface EventDefinition {
  readonly severities: readonly EventSeverity[];
  /** When it is emitted, and what its body says: for docs/METRICS.md. */
  readonly brief: string;
  readonly body: string;
  /** Attributes that every record has. */
  readonly attributes: readonly EventAttributeName[];
  /** Attributes that a record may lack. */
  readonly optional?: readonly EventAttributeName[];
}

const device = ['hw.id', 'hw.name', 'accelmeter.backend'] as const;
const finding = [...device, 'accelmeter.finding.id', 'accelmeter.bottleneck.code'] as const;
const observation = [
  'accelmeter.bottleneck.severity',
  'accelmeter.bottleneck.observed',
  'accelmeter.bottleneck.threshold',
  'accelmeter.bottleneck.unit',
  'accelmeter.bottleneck.window',
  'accelmeter.bottleneck.samples',
  'accelmeter.bottleneck.recommendations',
] as const;
const perhaps = [
  'accelmeter.kernel.name',
  'accelmeter.bottleneck.counter_evidence',
  'accelmeter.bottleneck.unseen',
] as const;

export const eventCatalogue = {
  'accelmeter.bottleneck.detected': {
    severities: ['INFO', 'WARN', 'ERROR'],
    brief: 'A bottleneck was found. Once, not at every tick while it lasts.',
    body: 'the sentence of the finding',
    attributes: [...finding, ...observation],
    optional: perhaps,
  },
  'accelmeter.bottleneck.cleared': {
    severities: ['INFO'],
    brief: 'A bottleneck or a regression is over; its numbers are the last ones.',
    body: 'how long it lasted, and the sentence',
    attributes: [...finding, ...observation, 'accelmeter.bottleneck.duration'],
    optional: perhaps,
  },
  'accelmeter.recommendation.issued': {
    severities: ['INFO'],
    brief: 'What would help; not again while the same already stands for the device.',
    body: 'the sentence of the recommendation',
    attributes: [...finding, 'accelmeter.recommendation.code', 'accelmeter.recommendation.link'],
    optional: ['accelmeter.kernel.name'],
  },
  'accelmeter.regression.detected': {
    severities: ['INFO', 'WARN', 'ERROR'],
    brief: 'A kernel has become slower than it was just before. Its end is `accelmeter.bottleneck.cleared`.',
    body: 'the sentence of the finding',
    attributes: [...finding, ...observation, 'accelmeter.regression.ratio'],
    optional: [...perhaps, 'accelmeter.regression.before', 'accelmeter.regression.after'],
  },
  'accelmeter.device.lost': {
    severities: ['ERROR'],
    brief: 'A device went away while it was measured.',
    body: 'the name of the device',
    attributes: [...device, 'hw.type', 'error.type'],
  },
  'accelmeter.device.recovered': {
    severities: ['INFO'],
    brief: 'A device that went away is back.',
    body: 'the name of the device',
    attributes: [...device, 'hw.type'],
  },
} as const satisfies Readonly<Record<string, EventDefinition>>;

export type EventName = keyof typeof eventCatalogue;

type Required<N extends EventName> = (typeof eventCatalogue)[N]['attributes'][number];
type Optional<N extends EventName> = (typeof eventCatalogue)[N] extends { optional: readonly (infer O)[] }
  ? Extract<O, EventAttributeName>
  : never;

/** The attributes of an event: without one of its own it does not compile. */
export type EventAttributesOf<N extends EventName> = {
  readonly [A in Required<N>]: EventAttributeValues[A];
} & { readonly [A in Optional<N>]?: EventAttributeValues[A] | undefined };
