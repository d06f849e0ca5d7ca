/** `accelmeter doctor [backend]`: each source, seen or why not, what mends it, and what it will cost in series. */
import { type BackendName, backendNames } from '../backend.ts';
import { classicBoundaries } from '../distribution/sketch.ts';
import { resolveOptions } from '../options.ts';
import { openScrapeTarget, type ScrapeTarget } from '../scrape-target.ts';
import { version } from '../version.ts';
import { CommandError } from './failure.ts';
import { backendLines } from './terminal.ts';

/** Sets exit code 1 where a backend was named and is not there. */
export async function doctor(backend: string | undefined): Promise<void> {
  const asked = backend === undefined ? undefined : backendNamed(backend);
  const options = resolveOptions(asked ? { backends: [asked] } : {}, process.env, (problem) =>
    process.stdout.write(` ! ${problem}\n`),
  );
  const target = await openScrapeTarget(options, { host: 'localhost', port: 0 });
  try {
    const { backends, devices } = target.profiler.status();
    process.stdout.write(
      `accelmeter ${version} · Node ${process.versions.node} · ${process.platform}-${process.arch}\n`,
    );
    process.stdout.write(backendLines(backends));
    process.stdout.write('\nSources\n');
    for (const { name, up, detail, remedy } of backends.flatMap(({ sources }) => sources)) {
      process.stdout.write(` ${up ? '✓' : '–'} ${name}: ${detail}${remedy === undefined ? '' : `\n   → ${remedy}`}\n`);
    }
    process.stdout.write('\nDevices\n');
    for (const device of devices) process.stdout.write(` ${device.backend} ${device.name}\n   ${device.id}\n`);
    process.stdout.write(`\n${await seriesCost(target, options.maxKernels)}`);
    if (asked && !backends.every(({ present }) => present)) process.exitCode = 1;
  } finally {
    await target.close();
  }
}

function backendNamed(name: string): BackendName {
  const found = backendNames.find((known) => known === name);
  if (found) return found;
  throw new CommandError(`there is no backend "${name}"; there are ${backendNames.join(', ')}`);
}

/** What a scrape is now, and what kernels will add: the operator's question before the first scrape. */
async function seriesCost(target: ScrapeTarget, maxKernels: number): Promise<string> {
  await target.listen();
  await fetch(`${target.url}/metrics`).then((response) => response.arrayBuffer());
  // A classic histogram is its boundaries, +Inf, _sum and _count.
  const ofKernel = classicBoundaries(0).length + 3;
  const most = (maxKernels + 1) * ofKernel;
  return `Series: ${target.lastScrape?.series} now; ${ofKernel} more for each kernel, at most ${most} a device.\n`;
}
