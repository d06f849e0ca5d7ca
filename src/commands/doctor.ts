/** `accelmeter doctor [backend]`: each source, seen or why not, what mends it, and what it will cost in series. */
import { type BackendName, backendNames } from '../backend.ts';
import { classicBoundaries } from '../distribution/sketch.ts';
import { resolveOptions } from '../options.ts';
import { openScrapeTarget, type ScrapeTarget } from '../scrape-target.ts';
import type { BackendStatus, DeviceRow } from '../status.ts';
import { version } from '../version.ts';
import { CommandError } from './failure.ts';
import { backendLines } from './terminal.ts';

export interface DoctorOptions {
  readonly json?: boolean;
}

/** What the doctor found: what `--json` prints. */
export interface Diagnosis {
  /** False where a backend that was named is not there, or one that is there is broken: exit code 1. */
  readonly ok: boolean;
  readonly version: string;
  readonly nodeVersion: string;
  readonly platform: string;
  /** What is wrong with the environment's variables. */
  readonly warnings: readonly string[];
  readonly backends: readonly BackendStatus[];
  readonly devices: readonly Pick<DeviceRow, 'id' | 'backend' | 'name'>[];
  readonly series: {
    /** Of a scrape as it would be now. */
    readonly now: number;
    readonly eachKernel: number;
    /** Of the kernels of one device, however many names it runs. */
    readonly mostOfDevice: number;
  };
}

/** Sets exit code 1 where a backend was named and is not there, or is there and broken. */
export async function doctor(backend: string | undefined, { json = false }: DoctorOptions): Promise<void> {
  const diagnosis = await diagnose(backend === undefined ? undefined : backendNamed(backend));
  process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : describe(diagnosis));
  if (!diagnosis.ok) process.exitCode = 1;
}

async function diagnose(asked: BackendName | undefined): Promise<Diagnosis> {
  const warnings: string[] = [];
  const options = resolveOptions(asked ? { backends: [asked] } : {}, process.env, (problem) => warnings.push(problem));
  const target = await openScrapeTarget(options, { host: 'localhost', port: 0 });
  try {
    const { backends, devices } = target.profiler.status();
    const broken = target.profiler.absent.some(({ error: { kind } }) => kind !== 'absent' && kind !== 'unsupported');
    return {
      ok: !broken && (asked === undefined || backends.every(({ present }) => present)),
      version,
      nodeVersion: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      warnings,
      backends,
      devices: devices.map(({ id, backend, name }) => ({ id, backend, name })),
      series: await seriesCost(target, options.maxKernels),
    };
  } finally {
    await target.close();
  }
}

function describe({ version, nodeVersion, platform, warnings, backends, devices, series }: Diagnosis): string {
  const sources = backends.flatMap(({ sources }) => sources);
  return [
    ...warnings.map((problem) => ` ! ${problem}\n`),
    `accelmeter ${version} · Node ${nodeVersion} · ${platform}\n`,
    backendLines(backends),
    '\nSources\n',
    ...sources.map(({ name, up, detail, remedy }) => {
      return ` ${up ? '✓' : '–'} ${name}: ${detail}${remedy === undefined ? '' : `\n   → ${remedy}`}\n`;
    }),
    '\nDevices\n',
    ...devices.map(({ backend, name, id }) => ` ${backend} ${name}\n   ${id}\n`),
    `\nSeries: ${series.now} now; ${series.eachKernel} more for each kernel, at most ${series.mostOfDevice} a device.\n`,
  ].join('');
}

function backendNamed(name: string): BackendName {
  const found = backendNames.find((known) => known === name);
  if (found) return found;
  throw new CommandError(`there is no backend "${name}"; there are ${backendNames.join(', ')}`);
}

/** What a scrape is now, and what kernels will add: the operator's question before the first scrape. */
async function seriesCost(target: ScrapeTarget, maxKernels: number): Promise<Diagnosis['series']> {
  await target.listen();
  await fetch(`${target.url}/metrics`).then((response) => response.arrayBuffer());
  // A classic histogram is its boundaries, +Inf, _sum and _count.
  const eachKernel = classicBoundaries(0).length + 3;
  return { now: target.lastScrape?.series ?? 0, eachKernel, mostOfDevice: (maxKernels + 1) * eachKernel };
}
