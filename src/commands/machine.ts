/** This machine for a command that looks at it and ends. */
import { styleText } from 'node:util';
import { type ProfilerOptions, resolveOptions } from '../options.ts';
import { openProfiler, type Profiler, type ProfilerState } from '../profiler.ts';
import { printable } from './terminal.ts';

/** Opens what there is. Broken backends are named on stderr; those that are just not there are `doctor`'s to tell. */
export async function onThisMachine(
  look: (opened: { profiler: Profiler; state: ProfilerState }) => void | Promise<void>,
  given: ProfilerOptions = {},
): Promise<void> {
  const say = (problem: string) => process.stderr.write(`accelmeter: ${problem}\n`);
  const options = resolveOptions(given, process.env, say);
  const opened = await openProfiler(options);
  for (const { backend, error } of opened.profiler.absent) {
    if (error.kind !== 'absent') say(`${backend}: ${error.message}`);
  }
  try {
    await look(opened);
  } finally {
    await opened.profiler.close();
  }
}

/** What a program reads: indented, since people look at it as well. */
export const asJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The line above what is said of a device. */
export const deviceHeading = (backend: string, name: string) => styleText('bold', `${backend} ${printable(name)}`);
