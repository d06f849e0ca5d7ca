/**
 * What 200 scrapers at once, half of them hostile, do to the service they ask: its own requests in turns without and
 * with them, its memory before and after, how it went for each kind of scraper, and how old the oldest page was that one
 * of the others got meanwhile.
 *
 *     node bench/load.ts [seconds of load]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';

const seconds = Number(process.argv[2] ?? 60);
const turns = 3;
const scrapers = 200;
const requestsPerSecond = 100;
const target = 1.1;
const oldestPageSeconds = 2;

const folder = mkdtempSync(join(tmpdir(), 'accelmeter-load-'));
const config = join(folder, 'web.yml');
writeFileSync(config, `basic_auth_users:\n  prometheus: ${hashSync('right', 10)}\n`);

const service = spawn(
  process.execPath,
  ['--expose-gc', '--import', 'accelmeter/register', join(import.meta.dirname, 'programs/loaded-service.mjs')],
  {
    env: { ...process.env, OTEL_EXPORTER_PROMETHEUS_PORT: '0', ACCELMETER_WEB_CONFIG_FILE: config },
    stdio: ['ignore', 'pipe', 'pipe'],
  },
);
const [port, scraped] = await Promise.all([
  said(service, /^service (\d+)$/m),
  said(service, /http:\/\/127\.0\.0\.1:(\d+)\/metrics/),
]);

const agent = new Agent({ keepAlive: true });
const quiet: number[] = [];
const loaded: number[] = [];
const wellBehaved = { ages: 0, oldest: 0, otherThan200: 0 };
try {
  await underLoad(5, []); // until everything is compiled, and buffers have their sizes
  const before = await memory();
  for (let turn = 0; turn < turns; turn++) {
    await measure(seconds / turns, quiet);
    console.log(`turn ${turn + 1}: ${await underLoad(seconds / turns, loaded)}`);
  }
  const after = await memory();
  const ratio = quantile(loaded, 0.99) / quantile(quiet, 0.99);
  console.log(`
requests of the service, ${requestsPerSecond} a second, in ms       P50      P99
  nobody scrapes                                ${row(quiet)}
  ${scrapers} scrapers for ${seconds} s                       ${row(loaded)}
P99 with them is ${ratio.toFixed(2)} times that without: ${ratio < target ? 'under' : 'NOT under'} ${target}
resident memory ${mib(before)} MiB before, ${mib(after)} MiB after
of ${wellBehaved.ages} pages to who behaves the oldest was ${wellBehaved.oldest.toFixed(2)} s old, ${wellBehaved.otherThan200} of their requests were not served
`);
  const served = wellBehaved.ages > 0 && wellBehaved.otherThan200 === 0 && wellBehaved.oldest < oldestPageSeconds;
  console.log(`${served ? 'reached' : 'MISSED '}  who behaves is served, with pages under ${oldestPageSeconds} s old`);
  process.exitCode = ratio < target && served && service.exitCode === null ? 0 : 1;
} finally {
  service.kill();
  agent.destroy();
  rmSync(folder, { recursive: true });
}

/** Gives how it went for the scrapers. */
async function underLoad(duration: number, into: number[]): Promise<string> {
  const args = [scraped, String(duration), String(scrapers), 'prometheus:right'];
  const load = spawn(process.execPath, [join(import.meta.dirname, 'programs/scrapers.mjs'), ...args]);
  const outcome = said(load, /^(\{.*\})$/m);
  await measure(duration, into);
  const told = await outcome;
  const { behaves, page } = JSON.parse(told) as Record<'behaves' | 'page', Record<string, number>>;
  wellBehaved.ages += page.told ?? 0;
  wellBehaved.oldest = Math.max(wellBehaved.oldest, page.oldest ?? 0);
  for (const [status, times] of Object.entries(behaves)) if (status !== '200') wellBehaved.otherThan200 += times;
  await pause(1000);
  return told;
}

/** Asks at a fixed rate, whether or not the one before has been answered. */
async function measure(duration: number, into: number[]): Promise<void> {
  const answers: Promise<unknown>[] = [];
  const begun = performance.now();
  for (let i = 0; i < duration * requestsPerSecond; i++) {
    await pause(Math.max(0, begun + (i * 1000) / requestsPerSecond - performance.now()));
    const asked = performance.now();
    answers.push(ask('/').then(() => into.push(performance.now() - asked)));
  }
  await Promise.all(answers);
}

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.toArray().then((parts) => resolve(Buffer.concat(parts).toString()), reject);
    }).on('error', reject);
  });
}

async function memory(): Promise<number> {
  return JSON.parse(await ask('/memory')).rss;
}

function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (part) => {
        text += part;
        const match = pattern.exec(text);
        if (match) resolve(match[1] as string);
      });
    }
    void once(child, 'exit').then(() => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function row(values: readonly number[]): string {
  return [0.5, 0.99].map((q) => quantile(values, q).toFixed(2).padStart(8)).join(' ');
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
