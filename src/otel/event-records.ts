/** Findings as log records, by the event catalogue. Pure. */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { Finding } from '../analyzer/finding.ts';
import type { Recommendation } from '../analyzer/recommendations.ts';
import type { DeviceChange } from '../device-changes.ts';
import {
  type EventAttributeName,
  type EventAttributesOf,
  type EventAttributeValues,
  type EventName,
  type EventSeverity,
  severityNumbers,
  severityOf,
} from './event-catalogue.ts';
import type { EventAttributes, EventRecord } from './logger-provider.ts';

/** A finding that was raised. */
export function detected(finding: Finding): EventRecord {
  const [name, attributes] = describe(finding);
  return record(name, severityOf[finding.severity], finding.raisedAt, finding.sentence, attributes);
}

/** A finding that is over. */
export function cleared(finding: Finding): EventRecord {
  const end = finding.clearedAt ?? new Date().toISOString();
  // The wall clock may have been set back meanwhile.
  const seconds = Math.max(0, Date.parse(end) - Date.parse(finding.raisedAt)) / 1000;
  const attributes: EventAttributesOf<'accelmeter.bottleneck.cleared'> = {
    ...observationOf(finding),
    'accelmeter.bottleneck.duration': seconds,
  };
  const body = `Over after ${Math.round(seconds)} s: ${finding.sentence}`;
  return record('accelmeter.bottleneck.cleared', 'INFO', end, body, attributes);
}

/** What a finding that was raised recommends. */
export function issued(finding: Finding, { code, sentence, link }: Recommendation): EventRecord {
  const attributes: EventAttributesOf<'accelmeter.recommendation.issued'> = {
    ...identityOf(finding),
    'accelmeter.recommendation.code': code,
    'accelmeter.recommendation.link': link,
    'accelmeter.kernel.name': finding.kernel,
  };
  return record('accelmeter.recommendation.issued', 'INFO', finding.raisedAt, sentence, attributes);
}

/** A device that went away, or came back. */
export function deviceChanged({ device, state, at }: DeviceChange): EventRecord {
  const attributes: EventAttributesOf<'accelmeter.device.recovered'> = {
    'hw.id': device.id,
    'hw.name': device.name,
    'accelmeter.backend': device.backend,
    'hw.type': device.type,
  };
  if (state === 'recovered') {
    return record('accelmeter.device.recovered', 'INFO', at, `${device.name} is back.`, attributes);
  }
  const lost: EventAttributesOf<'accelmeter.device.lost'> = { ...attributes, 'error.type': 'lost' };
  return record('accelmeter.device.lost', 'ERROR', at, `${device.name} is gone.`, lost);
}

/** The event that a raised finding is, with its attributes: the same in a log and on a span. */
export function describe(finding: Finding): readonly [name: EventName, attributes: EventAttributes] {
  if (finding.kind === 'bottleneck') {
    const attributes: EventAttributesOf<'accelmeter.bottleneck.detected'> = observationOf(finding);
    return ['accelmeter.bottleneck.detected', present(attributes)];
  }
  const attributes: EventAttributesOf<'accelmeter.regression.detected'> = {
    ...observationOf(finding),
    'accelmeter.regression.ratio': finding.observed,
    'accelmeter.regression.before': finding.change?.before,
    'accelmeter.regression.after': finding.change?.after,
  };
  return ['accelmeter.regression.detected', present(attributes)];
}

function identityOf(finding: Finding) {
  return {
    'hw.id': finding.device,
    'hw.name': finding.deviceName,
    'accelmeter.backend': finding.backend,
    'accelmeter.finding.id': finding.id,
    'accelmeter.bottleneck.code': finding.code,
  };
}

function observationOf(finding: Finding): EventAttributesOf<'accelmeter.bottleneck.detected'> {
  const { windowSeconds, samples, counterEvidence, unseen } = finding.evidence;
  return {
    ...identityOf(finding),
    'accelmeter.bottleneck.severity': finding.severity,
    'accelmeter.bottleneck.observed': finding.observed,
    'accelmeter.bottleneck.threshold': finding.threshold,
    'accelmeter.bottleneck.unit': finding.unit,
    'accelmeter.bottleneck.window': windowSeconds,
    'accelmeter.bottleneck.samples': samples,
    'accelmeter.bottleneck.recommendations': finding.recommendations.map(({ code }) => code),
    'accelmeter.kernel.name': finding.kernel,
    'accelmeter.bottleneck.counter_evidence': counterEvidence.length > 0 ? counterEvidence : undefined,
    'accelmeter.bottleneck.unseen': unseen.length > 0 ? unseen : undefined,
  };
}

/** `at`: ISO 8601. */
function record(
  eventName: EventName,
  severityText: EventSeverity,
  at: string,
  body: string,
  attributes: Readonly<Record<string, Value | undefined>>,
): EventRecord {
  return {
    eventName,
    timestamp: new Date(at),
    severityNumber: severityNumbers[severityText],
    severityText,
    body,
    attributes: present(attributes),
    // A finding belongs to no request. Timers keep the context that they were set in: without this every event would be
    // told as part of whichever span was active when the profiler was created.
    context: ROOT_CONTEXT,
  };
}

/** Without what is absent; a list is copied, since the SDK may keep it. */
function present(attributes: Readonly<Record<string, Value | undefined>>): EventAttributes {
  const values: EventAttributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) values[name] = typeof value === 'object' ? [...value] : value;
  }
  return values;
}

type Value = EventAttributeValues[EventAttributeName];
