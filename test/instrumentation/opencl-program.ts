/** Runs an OpenCL program in a process of its own, traced or not, and sorts what was seen of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observed } from '../programs/observe.ts';
import { runProgram } from './program-output.ts';

const programs = join(import.meta.dirname, '../programs');

export interface Run<T> {
  readonly code: number | null;
  /** What the program printed: what it knows itself. */
  readonly result: T;
  /** What was seen of it; `undefined` where it was not traced. */
  readonly observed: Observed;
  readonly stderr: string;
  readonly seconds: number;
}

export interface RunOptions {
  /** A folder for what was observed. */
  readonly folder: string;
  readonly traced?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** The program; by default the scenarios. */
  readonly program?: string;
  /** A program that is loaded before tracing begins. */
  readonly before?: string;
}

let runs = 0;

/** A scenario of a program in test/programs. Rejects where the process cannot be started, or prints nothing. */
export async function runScenario<T>(name: string, options: RunOptions): Promise<Run<T>> {
  const { folder, traced = true, environment = {}, program = 'opencl-scenarios.mjs', before } = options;
  const observedFile = join(folder, `observed-${runs++}.json`);
  const first = before === undefined ? [] : ['--import', join(programs, before)];
  const preload = traced ? ['--import', join(programs, 'observe.ts')] : [];
  const env = { ...process.env, OBSERVED: observedFile, ...environment };
  const ended = await runProgram([...first, ...preload, join(programs, program), name], env, 20_000);
  const observed = existsSync(observedFile) ? JSON.parse(readFileSync(observedFile, 'utf8')) : undefined;
  return { ...ended, result: ended.result as T, observed };
}

export function kernels({ activities }: Observed, named?: string) {
  return activities
    .filter((each) => each.kind === 'kernel')
    .filter(({ name }) => named === undefined || name === named);
}

export function transfers({ activities }: Observed, only?: string) {
  return activities
    .filter((each) => each.kind === 'transfer')
    .filter(({ direction }) => only === undefined || direction === only);
}

export function allocations({ activities }: Observed) {
  return activities.filter((each) => each.kind === 'allocation');
}

export function compilations({ activities }: Observed) {
  return activities.filter((each) => each.kind === 'compilation');
}

/** Records that were lost, for whatever reason. */
export const lost = ({ ring: { dropped, untraced, invalid } }: Observed) => dropped + untraced + invalid;
