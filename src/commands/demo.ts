/** `accelmeter demo`: computes something on whatever is there, and shows it live, in the terminal and at `/`. */
import { pbkdf2 } from 'node:crypto';
import { clearScreenDown, moveCursor } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify, styleText } from 'node:util';
import type { Device } from '../device.ts';
import { resolveOptions } from '../options.ts';
import { formatBytes, formatSeconds } from '../quantity.ts';
import { openScrapeTarget, type ScrapeTarget } from '../scrape-target.ts';
import { version } from '../version.ts';
import { asCommandError, busyPortMessage, isFree, type ListenOptions } from './port.ts';
import { stopped } from './serve.ts';
import { backendLines, findingLines, kernelTable, rowsOf } from './terminal.ts';

const derive = promisify(pbkdf2);

/** How often the terminal is drawn anew. */
const refreshSeconds = 1;
/** How many ports after the asked one are tried. */
const portsTried = 20;
/** A table before this shows rates of nothing. */
const firstTableSeconds = 2;

export interface DemoOptions extends ListenOptions {
  /** Stop after so many seconds; by default at Ctrl-C. */
  readonly for?: number;
}

export async function demo(asked: DemoOptions): Promise<void> {
  const { host, for: seconds, 'web.config.file': webConfigFile } = asked;
  const port = await firstFreePort(host, asked.port);
  const notify = (sentence: string) => void process.stderr.write(`accelmeter: ${sentence}\n`);
  const options = resolveOptions({}, process.env, notify);
  const endpoint = { host, port, worker: true, webConfigFile, notify };
  const target = await openScrapeTarget(options, { ...endpoint, service: 'accelmeter-demo' });
  await target.listen().catch((error) => {
    throw asCommandError(error, port);
  });
  const over = new AbortController();
  void Promise.race([stopped(), ...(seconds === undefined ? [] : [sleep(seconds * 1000)])]).then(() => over.abort());
  startWork(target, over.signal);
  process.stdout.write(headline(target));
  await showLive(target, over.signal);
  await target.close();
  process.exit(); // the OpenCL example would go on: it is a program of its own and knows nothing of us
}

async function firstFreePort(host: string, asked: number): Promise<number> {
  for (let port = asked; port < asked + portsTried; port += 1) {
    if (!(await isFree(host, port))) continue;
    if (port !== asked) process.stderr.write(`accelmeter: ${busyPortMessage(asked)}; the demo takes ${port}\n`);
    return port;
  }
  throw asCommandError(Object.assign(new Error(), { code: 'EADDRINUSE' }), asked);
}

/**
 * Something to see: matrices on the CPU, keys in the thread pool, and the OpenCL example, an unchanged program, where
 * there is a device.
 */
function startWork({ profiler }: ScrapeTarget, over: AbortSignal): void {
  void deriveKeys(over);
  for (const device of profiler.devices) if (device.backend === 'cpu') void multiplyMatrices(device, over);
  if (!profiler.devices.some(({ backend }) => backend === 'opencl')) return;
  const example = new URL(import.meta.resolve('accelmeter/package.json'));
  import(new URL('examples/opencl.mjs', example).href).catch((error: Error) => {
    process.stderr.write(`accelmeter: the OpenCL example ended: ${error.message}\n`);
  });
}

async function multiplyMatrices(device: Device, over: AbortSignal): Promise<void> {
  const size = 64;
  const [a, b, c] = [0, 1, 2].map(() => new Float64Array(size * size).fill(1.5)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  while (!over.aborted) {
    device.timeKernel('matmul_64', () => {
      for (let row = 0; row < size; row++) {
        for (let column = 0; column < size; column++) {
          let sum = 0;
          for (let k = 0; k < size; k++) sum += (a[row * size + k] as number) * (b[k * size + column] as number);
          c[row * size + column] = sum;
        }
      }
    });
    await sleep(15);
  }
}

/** A tenth of the time, on one of libuv's threads. */
async function deriveKeys(over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await derive('a password', 'salt', 10_000, 32, 'sha256');
    await sleep(40);
  }
}

function headline({ profiler, url }: ScrapeTarget): string {
  const older = process.env.ACCELMETER_STARTED_BY_NODE;
  const node = `Node ${process.versions.node}${older ? ` (bundled; yours is ${older})` : ''}`;
  return `${styleText('bold', `accelmeter ${version}`)} · ${node}
${backendLines(profiler.status().backends)}
Live     ${styleText('cyan', `${url}/`)}
Metrics  ${styleText('cyan', `${url}/metrics`)}
Yours    node --import accelmeter/register app.js     (Ctrl-C stops)

`;
}

/** In a terminal the table is drawn anew every second; into a pipe it goes once, and at the end. */
async function showLive(target: ScrapeTarget, over: AbortSignal): Promise<void> {
  const live = process.stdout.isTTY;
  await pause(firstTableSeconds, over);
  let drawn = '';
  while (!over.aborted) {
    // Behind TLS or a password we are nobody.
    await fetch(`${target.url}/metrics`).then(
      (response) => response.arrayBuffer(),
      () => {},
    );
    const { kernels, findings } = target.profiler.status();
    // Some terminals say a size of 0. What has scrolled out of one can't be drawn anew.
    const width = process.stdout.columns || 80;
    const found = findingLines(findings);
    const below = rowsOf(found, width);
    const most = live ? Math.max(1, Math.min(15, (process.stdout.rows || 24) - 5 - below)) : 15;
    if (drawn) {
      moveCursor(process.stdout, 0, -rowsOf(drawn, width));
      clearScreenDown(process.stdout);
    }
    drawn = `${kernelTable(kernels, { most, ...(live && { width }) })}${found}\n ${describeScrape(target)}\n`;
    process.stdout.write(drawn);
    await pause(live ? refreshSeconds : Number.POSITIVE_INFINITY, over);
  }
  if (live) return;
  const { kernels, findings } = target.profiler.status();
  process.stdout.write(`${kernelTable(kernels, { most: 15 })}${findingLines(findings)}`);
}

function describeScrape({ lastScrape }: ScrapeTarget): string {
  if (!lastScrape) return '';
  const { series, bytes, seconds } = lastScrape;
  return `a scrape is ${series} series, ${formatBytes(bytes)}, written in ${formatSeconds(seconds)}`;
}

async function pause(seconds: number, over: AbortSignal): Promise<void> {
  const milliseconds = Math.min(seconds * 1000, 2 ** 31 - 1);
  await sleep(milliseconds, undefined, { signal: over }).catch(() => {}); // aborted: over
}
