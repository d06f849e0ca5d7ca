/**
 * Writes `docs/RULES.md` from the rules: `node docs/rules.ts`. A test fails when the committed file differs. Findings link
 * to its sections, by the codes of rules and of recommendations.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guidesOwn, type RecommendationCode, recommendations } from '../src/analyzer/recommendations.ts';
import type { Rule, RuleBackend } from '../src/analyzer/rule.ts';
import { allRules } from '../src/analyzer/rules/all.ts';
import { formatSeconds, formatShare } from '../src/quantity.ts';
import { code, table } from './table.ts';

const backends: readonly RuleBackend[] = ['cpu', 'cuda', 'opencl', 'metal', 'webgpu'];

/** The whole document. */
export function ruleReference(): string {
  const parts = [
    introduction(),
    settings(),
    '## Bottlenecks',
    ...allRules.map(section),
    '## Recommendations\n\nWhat helps, by the code that findings, events and programs have.',
    ...recommendationCodes.map(recommendation),
  ];
  return `${parts.join('\n\n')}\n`;
}

const recommendationCodes = (Object.keys(recommendations) as RecommendationCode[]).sort();
const link = (name: string) => `[${code(name)}](#${name})`;
const links = (names: readonly string[]) => names.map(link).join(', ');
const appliesTo = ({ thresholds }: Rule) => backends.filter((backend) => thresholds[backend] !== undefined);

function introduction(): string {
  const rows = allRules.map((rule) => [
    link(rule.code),
    rule.severity,
    rule.looksFor.replace(/\.$/, ''),
    ...backends.map((backend) => thresholdOn(rule, backend, 'read')),
  ]);
  return `# Rules

<!-- Written by \`node docs/rules.ts\` from src/analyzer/rules/. Do not edit. -->

A finding has a code. Look it up here: what was seen, what helps, how to set the threshold, and how to silence it.

${table(['code', 'severity', 'what is looked at', ...backends], rows)}

At every tick (5 s) each rule looks at the last 12 intervals of a device, never at its lifetime, and says nothing where it has
too little to go by. What it sees at two ticks in a row is raised, what it has not seen for three is cleared. Where one fault
causes another, only the cause is raised. A rule without a threshold for a backend does not apply to it; those for backends
that this version does not have yet stand here as well.`;
}

function settings(): string {
  const namingKernels = allRules.filter((rule) => rule.perKernel || rule.code === 'high_variance');
  const rows = [
    [code('ACCELMETER_RULES'), code('rules'), '`production` (the default) or `guide`'],
    [
      code('ACCELMETER_THRESHOLDS'),
      code('thresholds'),
      '`code=number,…`, each in the unit of its rule, for all backends',
    ],
    [code('ACCELMETER_SUPPRESS'), code('suppress'), '`code[@device][/kernel],…`, in which `*` stands for anything'],
  ];
  return `## Settings

${table(['variable', 'option', 'meaning'], rows)}

\`guide\` is the performance profiling guide to the letter: its thresholds, without the guards that are told below as "in
production". In a fleet those numbers alone name idle nights, memory that is taken ahead, and cards at their power limit.

A device is named by its \`hw_id\`: \`high_variance@GPU-5f3a/init_*\` silences one rule for some kernels of one device. What is
silenced is counted, and hides its symptoms all the same. A pattern with a kernel fits rules that name one
(${links(namingKernels.map((rule) => rule.code))}). In the variable a comma separates; where a kernel's name has one, write \`*\` for it.`;
}

function section(rule: Rule): string {
  const { severity, looksFor, guard, samples, hides } = rule;
  const causes = allRules.filter((each) => each.hides.includes(rule.code)).map((each) => each.code);
  const known = hides.filter((each) => allRules.some((other) => other.code === each));
  const rows = appliesTo(rule).map((backend) => [backend, thresholdOn(rule, backend)]);
  const facts = [
    ...(samples.fewest === 1 ? [] : [`Needs at least ${samples.fewest} ${samples.of} in the window.`]),
    ...(guard === undefined ? [] : [`In production: ${round(lowerFirst(guard))}`]),
    ...(known.length === 0 ? [] : [`Hides ${links(known)}.`]),
    ...(causes.length === 0 ? [] : [`Hidden by ${links(causes)}.`]),
  ];
  return [
    `### ${rule.code}`,
    `**${severity[0]?.toUpperCase()}${severity.slice(1)}.** ${looksFor}`,
    `What helps:\n\n${list(advice(rule))}`,
    table(['backend', 'seen'], rows),
    list(facts),
    howToSet(rule),
  ].join('\n\n');
}

const list = (texts: readonly string[]) => texts.map((text) => `- ${text}`).join('\n');

/** Every recommendation of a rule, with the backends that it is for where it is not for all. */
function advice(rule: Rule): string[] {
  const all = appliesTo(rule);
  const given = new Set(all.flatMap((backend) => rule.recommends(backend)));
  return [...given].map((each) => {
    const on = all.filter((backend) => rule.recommends(backend).includes(each));
    return `${link(each)}${on.length < all.length ? ` (${on.join(', ')})` : ''}: ${recommendations[each]}`;
  });
}

function howToSet(rule: Rule): string {
  const { code: name, unit, units, thresholds } = rule;
  const [from, to] = rule.range;
  const own = appliesTo(rule).find((backend) => units?.[backend] === undefined);
  const set = `\`ACCELMETER_THRESHOLDS=${name}=${own === undefined ? from : thresholds[own]}\``;
  const inUnit = unitOf(unit) === '' ? '' : ` ${unitOf(unit)}`;
  const fixed = Object.keys(units ?? {});
  const but = fixed.length === 0 ? '' : ` On ${fixed.join(', ')} it is fixed.`;
  return `Set: ${set}, from ${from} to ${to}${inUnit}.${but} Silence: \`ACCELMETER_SUPPRESS=${name}\`.`;
}

function recommendation(name: RecommendationCode): string {
  const by = allRules.filter((rule) => appliesTo(rule).some((backend) => rule.recommends(backend).includes(name)));
  const from = guidesOwn.includes(name)
    ? "The profiling guide's; no rule sees whether it would help, since that takes counters of the hardware."
    : `For ${links(by.map((rule) => rule.code))}.`;
  return `### ${name}\n\n${recommendations[name]}\n\n${from}`;
}

/** "< 0.3 (30 %)": the number as it is set, and as people read it; or only as they read it. */
function thresholdOn({ thresholds, unit, units, fault, range }: Rule, backend: RuleBackend, as?: 'read'): string {
  const threshold = thresholds[backend];
  if (threshold === undefined) return '–';
  const measured = units?.[backend] ?? unit;
  const number = `${threshold} ${unitOf(measured)}`.trim();
  const read = round(readable(threshold, measured, range));
  const both = as === 'read' || read === undefined ? (read ?? number) : `${number} (${read})`;
  return `${fault === 'above' ? '>' : '<'} ${both}`;
}

function readable(value: number, unit: string, [, most]: Rule['range']): string | undefined {
  if (unit === 's') return formatSeconds(value);
  if (unit === 'By/s') return `${value / 2 ** 30} GiB/s`;
  return unit === '1' && most === 1 ? formatShare(value) : undefined;
}

function unitOf(unit: string): string {
  if (unit === 'Cel') return '°C';
  if (unit === 'By/s') return 'bytes a second';
  return unit === '1' || unit.startsWith('{') ? '' : unit;
}

/** Three digits are for what was measured; what was chosen is round: "5 %", not "5.0 %". */
function round<T extends string | undefined>(text: T): T {
  return text?.replace(/(?<=\d)\.0+(?= (?:%|s\b|ms|µs))/g, '') as T;
}

/** But for names and abbreviations. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]* /.test(text) ? `${text[0]?.toLowerCase()}${text.slice(1)}` : text;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'RULES.md'), ruleReference());
