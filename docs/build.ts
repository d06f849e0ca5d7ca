/**
 * Writes `docs/METRICS.md` from the catalogues of metrics and events: `node docs/build.ts`. A test fails when the committed file differs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allSeries, label } from '../dashboards/series.ts';
import { catalogue, deviceAttributes, type Metric, type MetricName } from '../src/catalogue.ts';
import { rule } from '../src/cluster/merge.ts';
import {
  type EventAttributeName,
  type EventDefinition,
  eventAttributes,
  eventCatalogue,
} from '../src/otel/event-catalogue.ts';
import { type GuideField, guide } from './guide.ts';
import { overObjective } from './objectives.ts';
import { code, codes, table } from './table.ts';

const names = Object.keys(catalogue) as MetricName[];
const entry = (name: MetricName): Metric => catalogue[name];

/** The groups, in the order of a reader's questions. Every metric falls into the first that takes it. */
const groups: readonly { title: string; text: string; takes: (name: string, metric: Metric) => boolean }[] = [
  {
    title: 'Kernels',
    text: 'Executions on a device, from start to end. Failures never enter a duration.',
    takes: (name) => name.startsWith('accelmeter.kernel.'),
  },
  {
    title: 'Transfers',
    text: 'Copies of memory to, from and on a device.',
    takes: (name) => name.startsWith('accelmeter.transfer.'),
  },
  {
    title: 'Device memory',
    text: 'What this process holds on a device, by its own account: only where a backend tells of allocations.',
    takes: (name) => name.startsWith('accelmeter.memory.'),
  },
  {
    title: 'Analysis',
    text:
      'What the rules find, from two intervals in a row that show it until three do not. The codes are those of\n' +
      '[RULES.md](RULES.md), where each has its unit, its threshold and what helps against it.',
    takes: (name) => /^accelmeter\.(bottleneck\.|findings\.|regressions$|trend\.)/.test(name),
  },
  { title: 'Devices', text: 'What a device is and how busy.', takes: (_, { about }) => about === 'device' },
  {
    title: 'The process',
    text: 'The Node.js process that submits the work.',
    takes: (_, { about }) => about === 'process',
  },
  { title: 'accelmeter itself', text: 'What it sees, what it misses, and what it costs.', takes: () => true },
];

const sources: Readonly<Record<Metric['from'], string>> = {
  reading: 'polled',
  work: 'from activities',
  self: 'kept by accelmeter',
};

/** The whole document. */
export function metricReference(): string {
  const groupOf = (name: MetricName) => groups.find(({ takes }) => takes(name, entry(name)));
  const sections = groups.map((group) =>
    section(
      group,
      names.filter((name) => groupOf(name) === group),
    ),
  );
  const own = [objectivesSection(), clusterSection(), eventsSection(), guideSection()];
  return `${[introduction, ...sections, ...own].join('\n\n')}\n`;
}

/** Every series name there can be, with its family's type, one a line: what a dashboard or an alert may ask for. */
export function seriesList(): string {
  const lines = names.flatMap((name) => allSeries(name).map((series) => `${series} ${familyType(name)}`));
  return `${lines.sort().join('\n')}\n`;
}

const introduction = `# Metrics

<!-- Written by \`node docs/build.ts\` from src/catalogue.ts and src/otel/event-catalogue.ts. Do not edit. -->

Every metric has two names: OpenTelemetry's, and the one in Prometheus, which is the same whether Prometheus scrapes it or
receives it by OTLP. Times are seconds, sizes bytes, ratios 0 to 1. A value that a device does not have is not there: never
0, never the last good one. Names under \`hw.\`, \`process.\` and \`nodejs.\` are OpenTelemetry's (semantic conventions 1.45,
status Development); a change to any other is a breaking change of accelmeter.

Every series of a device carries ${codes(deviceAttributes)}, in Prometheus ${codes(deviceAttributes.map(label))}. The name of
a device stands only on \`accelmeter_device_info\`; to have it elsewhere, join:

\`\`\`promql
accelmeter_device_utilization_ratio
  * on (job, instance, hw_id) group_left (hw_name) accelmeter_device_info
\`\`\`

A histogram is three series names: \`_bucket\` (with \`le\`), \`_count\` and \`_sum\`. Its bounds are powers of two seconds, from
2⁻²⁰ (0.95 µs) to 2⁴ (16 s), one an octave: counts and means are exact, a quantile interpolated in an octave is right to a
factor of 1.4. _polled_ means read from the driver or the operating system, _from activities_ means computed from each kernel
and copy.`;

function section({ title, text }: { title: string; text: string }, members: readonly MetricName[]): string {
  const rows = members.map((name) => {
    const { unit, instrument, brief, attributes, optional = [], from } = entry(name);
    const labels = [...attributes.map((each) => code(each)), ...optional.map((each) => `${code(each)} where known`)];
    return [
      code(name),
      code(prometheusName(name)),
      instrument,
      unit === '' ? unitless(name) : code(unit),
      labels.join(', ') || '–',
      sources[from],
      brief,
    ];
  });
  const columns = ['OpenTelemetry', 'Prometheus', 'instrument', 'unit', 'attributes', 'from', 'meaning'];
  return `## ${title}\n\n${text}\n\n${table(columns, rows)}`;
}

/** What stands for a unit where a metric has one at each of its points. */
function unitless(name: MetricName): string {
  if (name.startsWith('accelmeter.bottleneck.')) return "the rule's";
  return name === 'accelmeter.custom' ? 'as reported' : '–';
}

function objectivesSection(): string {
  return `## Objectives

P95 of a kernel is over its objective exactly when more than 5 % of its executions took longer, P99 when more than 1 % did
(by nearest rank). Both counts are exact and add up over processes and hosts, so this is what to alert on:

\`\`\`promql
${overObjective('p95', '5m')}
\`\`\`

Without \`rate\` it is of all executions since the process began. How objectives are set is in OPERATIONS.md.`;
}

/** How the workers of a cluster are told; the rule is in src/cluster/merge.ts. */
function clusterSection(): string {
  const having = (how: ReturnType<typeof rule>) => names.filter((name) => rule(name) === how);
  const withRule = (how: ReturnType<typeof rule>) => codes(having(how));
  const greatest = having('max');
  return `## In a cluster

The primary tells its workers together with itself. Counters and histograms add up, and keep what ended workers did.
Added up as well, over those that live: ${codes(names.filter((name) => rule(name) === 'sum' && !isRising(name)))}; a share is
never over 1. True of the service where it is true of one process: ${codes(greatest.filter((name) => !isRising(name)))}. Of a
counter of the hardware what the process has counted that began first: ${codes(greatest.filter(isRising))}. Of one process, since it is the same for
all: ${withRule('once')}. Told apart by \`process.pid\`
(\`process_pid\` in Prometheus), and only then: ${withRule('each')}.`;
}

const isRising = (name: MetricName) => ['counter', 'histogram'].includes(entry(name).instrument);

/** What the TYPE line of its family says: Prometheus has no counters that fall. */
function familyType(name: MetricName): 'counter' | 'gauge' | 'histogram' {
  const { instrument } = entry(name);
  return instrument === 'updowncounter' ? 'gauge' : instrument;
}

/** The family, which is a histogram's name without the endings of its series. */
function prometheusName(name: MetricName): string {
  const [first = ''] = allSeries(name);
  return familyType(name) === 'histogram' ? first.replace(/_bucket$/, '') : first;
}

function eventsSection(): string {
  const rows = Object.entries<EventDefinition>(eventCatalogue).map(
    ([name, { severities, brief, body, attributes, optional = [] }]) => {
      const own = attributes.filter((each) => !inEveryEvent(each));
      const lists = [own.map(code), optional.map((each) => `${code(each)} where known`)].flat();
      return [code(name), severities.join(', '), brief, body, lists.join(', ') || '–'];
    },
  );
  const names = Object.keys(eventAttributes) as EventAttributeName[];
  const meanings = names.map((name) => {
    const { brief, unit = '' } = eventAttributes[name];
    return [code(name), unit === '' ? '' : code(unit), brief];
  });
  return `## Events

Findings are events as well: log records with an event name, one when a finding is raised and one when it is cleared.
\`bridgeEventsToApi(profiler)\` emits them; under \`register\` they go to the service's LoggerProvider, or to an OTLP receiver
([OPERATIONS.md](OPERATIONS.md#events)). Every event carries ${codes(names.filter(inEveryEvent))}. While a span is active around
\`device.timeKernel\`, the findings of that device are events of the span too, once each, with the same names and attributes.
A finding's severities \`info\`, \`warning\`, \`error\` and \`critical\` are INFO, WARN, ERROR and ERROR.

${table(['event', 'severity', 'when', 'body', 'further attributes'], rows)}

${table(['attribute', 'unit', 'meaning'], meanings)}`;
}

const inEveryEvent = (attribute: EventAttributeName) =>
  Object.values<EventDefinition>(eventCatalogue).every(({ attributes }) => attributes.includes(attribute));

function guideSection(): string {
  const classes = Object.entries(guide).map(
    ([name, fields]) => `### ${name}\n\n${table(['field', 'PromQL', ''], fields.map(guideRow))}`,
  );
  return [
    '## From the profiling guide',
    "Who knows DotCompute's performance profiling guide finds its fields here, under its names. An expression has one result for\n" +
      'each device, in the unit of the field. `Metrics`, `KernelStats` and `MemoryStats` of a snapshot are the tables below. Of the\n' +
      'lists for CUDA and Metal, kernels, transfers, memory and queues are those of every device; what is read of a GPU as it is\n' +
      'used by all processes (`hw_gpu_utilization_ratio` and the like) stands in the table of devices.',
    ...classes,
  ].join('\n\n');
}

const guideRow = ({ field, promql, note = '', rare }: GuideField) => [
  field,
  code(promql),
  [note, rare ? 'only where there was any' : ''].filter((each) => each !== '').join('; '),
];

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'METRICS.md'), metricReference());
