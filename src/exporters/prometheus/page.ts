/**
 * The landing page at `/`: what a person sees who opens the port in a browser. Rendered here, without JavaScript and
 * without anything to fetch; it asks for itself anew every few seconds.
 */
import { createHash } from 'node:crypto';
import type { Finding } from '../../analyzer/finding.ts';
import { describeHardware } from '../../hardware-row.ts';
import { formatBytes, formatRate, formatSeconds, formatShare } from '../../quantity.ts';
import type { DeviceRow, KernelRow, Status, TransferRow } from '../../status.ts';
import { type Html, html, trusted } from './html.ts';
import { style } from './page-style.ts';
import type { PageSummary } from './scrape.ts';

export interface Landing {
  /** `undefined` where no profiler stands behind the exporter. */
  readonly status: Status | undefined;
  /** The latest page of metrics; `undefined` where there was none yet. */
  readonly page: PageSummary | undefined;
  /** Host and port for Prometheus. */
  readonly target: string;
  /** Path of the metrics. */
  readonly path: string;
}

const refreshSeconds = 5;
const none = html``;

/** The page as a document. */
export function renderLanding({ status, page, target, path }: Landing): string {
  const name = status?.service ?? 'accelmeter';
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${refreshSeconds}">
<title>${name === 'accelmeter' ? name : `${name} · accelmeter`}</title>
<style>${trusted(style)}</style>
<body>
${head(status, path)}
${status === undefined ? none : html`${sources(status)}${findings(status)}${kernels(status.kernels)}${devices(status.devices)}${transfers(status.transfers)}`}
${families(page, path)}
${scrapeConfig(name, target, path)}
</body>
</html>
`.markup;
}

let policy: string | undefined;

/** Allows the page its own style, by its hash, and nothing else. */
export function contentSecurityPolicy(): string {
  policy ??= [
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return policy;
}

function head(status: Status | undefined, path: string): Html {
  const facts =
    status === undefined
      ? none
      : html`<p>${[
          status.service ?? '',
          `process ${status.pid}`,
          `Node ${status.nodeVersion.replace(/^v/, '')}`,
          `measuring for ${formatSeconds(Math.floor(status.uptime))}`,
          ownCost(status.self),
        ]
          .filter((fact) => fact !== '')
          .join(' · ')}</p>`;
  const what =
    status === undefined
      ? 'The metrics of this Node.js process'
      : 'What this Node.js process does on its CPUs and accelerators, kernel by kernel';
  return html`<header><h1>accelmeter${status === undefined ? '' : ` ${status.version}`}</h1>${facts}</header>
<p>${what}, for Prometheus at
<a href="${path}">${path}</a>.</p>`;
}

/** What accelmeter takes for itself, and whether it slowed down for that. */
function ownCost({ share, budget, level }: Status['self']): string {
  if (share === undefined) return '';
  const slowed = level === 0 ? '' : ` (budget ${formatShare(budget)}: readings sampled ${2 ** level} times less often)`;
  return `takes ${formatShare(share)} of a core itself${slowed}`;
}

/** A backend is told by its sources; one that could not be opened has none and is told itself. */
function sources({ backends }: Status): Html {
  const rows = backends.flatMap(({ name, detail, remedy, sources }) =>
    sources.length === 0
      ? [source(name, false, detail, remedy)]
      : sources.map((each) => source(each.name, each.up, each.detail, each.remedy)),
  );
  return html`<h2>Sources</h2>\n<ul>${rows}</ul>\n`;
}

function source(name: string, up: boolean, detail: string, remedy: string | undefined): Html {
  return html`<li><span class="${up ? 'up' : 'down'}">${up ? '✓' : '–'}</span><span class="name">${name}</span>
<span class="detail${up ? '' : ' soft'}">${detail}</span>${
    remedy === undefined || up ? none : html`<span class="remedy">→ ${remedy}</span>`
  }</li>\n`;
}

/** What is wrong now, and what would help. All is well where there is no such section. */
function findings({ findings: active, devices }: Status): Html {
  if (active.length === 0) return none;
  return html`<h2>Findings</h2>\n<ul class="findings">${active.map((each) => finding(each, devices.length > 1))}</ul>\n`;
}

function finding(
  { severity, code, sentence, backend, deviceName, raisedAt, recommendations }: Finding,
  several: boolean,
): Html {
  const where = several ? html` <span class="soft">on ${backend} ${deviceName}</span>` : none;
  return html`<li><p><span class="severity ${severity}">${severity}</span> <span class="name">${code}</span>${where}</p>
<p>${sentence} <span class="soft">Since <time datetime="${raisedAt}">${raisedAt.slice(11, 19)} UTC</time>.</span></p>
<ul>${recommendations.map((each) => html`<li>→ ${each.sentence}</li>\n`)}</ul></li>\n`;
}

function kernels(rows: readonly KernelRow[]): Html {
  if (rows.length === 0) return html`<h2>Kernels</h2>\n<p class="soft">None has run yet.</p>\n`;
  const several = new Set(rows.map((row) => row.device)).size > 1;
  return html`<h2>Kernels</h2>
<div class="scroll"><table>
<tr><th>Kernel</th>${several ? html`<th class="minor">Device</th>` : none}<th class="number">Calls/s</th>
<th class="number">P50</th><th class="number">P95</th><th class="number">P99</th><th class="number">Busy</th>
<th class="number">Failures</th></tr>
${rows.map(
  (
    row,
  ) => html`<tr><td class="name long">${row.kernel}</td>${several ? html`<td class="clip minor" title="${row.deviceName}">${row.deviceName}</td>` : none}
<td class="number">${formatRate(row.callsPerSecond)}</td>${[row.p50, row.p95, row.p99].map(
    (seconds) => html`<td class="number">${seconds === undefined ? '–' : formatSeconds(seconds)}</td>`,
  )}<td class="number">${share(row.busy)}</td>
<td class="number${row.failures > 0 ? ' failed' : ''}">${formatRate(row.failures)}</td></tr>\n`,
)}</table></div>\n`;
}

function devices(rows: readonly DeviceRow[]): Html {
  if (rows.length === 0) return none;
  const told = rows.some(({ hardware }) => hardware !== undefined);
  return html`<h2>Devices</h2>
<div class="scroll"><table>
<tr><th>Device</th><th>Backend</th><th class="minor">hw.id</th>${told ? html`<th>Hardware</th>` : none}<th class="number">Used by this process</th></tr>
${rows.map(
  (row) => html`<tr><td class="long">${row.name}</td><td>${row.backend}</td><td class="name soft minor">${row.id}</td>
${told ? html`<td>${row.hardware === undefined ? '–' : describeHardware(row.hardware)}</td>` : none}<td class="number">${row.utilization === undefined ? '–' : share(row.utilization)}</td></tr>\n`,
)}</table></div>\n`;
}

function transfers(rows: readonly TransferRow[]): Html {
  if (rows.length === 0) return none;
  return html`<h2>Transfers</h2>
<div class="scroll"><table>
<tr><th>Direction</th><th class="minor">Device</th><th class="number">Copies</th><th class="number">Bytes</th>
<th class="number">Time</th><th class="number">Bandwidth</th></tr>
${rows.map(
  (
    row,
  ) => html`<tr><td>${row.direction.replaceAll('_', ' ')}</td><td class="clip minor" title="${row.deviceName}">${row.deviceName}</td>
<td class="number">${formatRate(row.count)}</td><td class="number">${formatBytes(row.bytes)}</td>
<td class="number">${formatSeconds(row.total)}</td>
<td class="number">${row.bandwidth === undefined ? '–' : `${formatBytes(row.bandwidth)}/s`}</td></tr>\n`,
)}</table></div>\n`;
}

function families(page: PageSummary | undefined, path: string): Html {
  if (page === undefined)
    return html`<h2>Metrics</h2>\n<p class="soft">No page yet: see <a href="${path}">${path}</a>.</p>\n`;
  const largestFirst = page.families.toSorted((a, b) => b.series - a.series);
  return html`<h2>Metrics</h2>
<p>${page.series} series in ${page.families.length} families: ${formatBytes(page.bytes)}, written in ${formatSeconds(page.seconds)}.</p>
<details${page.families.length <= 12 ? trusted(' open') : none}><summary class="soft">Series of each family</summary>
<div class="scroll"><table>
<tr><th>Family</th><th>Type</th><th class="number">Series</th></tr>
${largestFirst.map(
  ({ name, type, series }) =>
    html`<tr><td class="name long">${name}</td><td>${type}</td><td class="number">${series}</td></tr>\n`,
)}</table></div></details>\n`;
}

function scrapeConfig(job: string, target: string, path: string): Html {
  const lines = [
    'scrape_configs:',
    `  - job_name: ${JSON.stringify(job)}`,
    ...(path === '/metrics' ? [] : [`    metrics_path: ${JSON.stringify(path)}`]),
    '    static_configs:',
    `      - targets: [${JSON.stringify(target)}]`,
  ];
  return html`<h2>Scrape it</h2>
<p class="soft">Add to <code>prometheus.yml</code>:</p>
<pre>${lines.join('\n')}</pre>`;
}

/** A share as a bar and a number. A bar is full at 1; executions that overlap can add up to more. */
function share(value: number): Html {
  const width = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="10"/><rect class="filled" width="${width}" height="10"/></svg><span class="percent">${formatShare(value)}</span>`;
}
