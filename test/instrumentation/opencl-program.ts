/** Runs an OpenCL program in a process of its own, traced or not. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observed } from '../programs/observe.ts';

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
}

let runs = 0;

/** A scenario of a program in test/programs. Rejects only where the process cannot be started. */
export function runScenario<T>(name: string, options: RunOptions): Promise<Run<T>> {
  const { folder, traced = true, environment = {}, program = 'opencl-scenarios.mjs' } = options;
  const observedFile = join(folder, `observed-${runs++}.json`);
  const preload = traced ? ['--import', join(programs, 'observe.ts')] : [];
  const started = performance.now();
  const child = spawn(process.execPath, [...preload, join(programs, program), name], {
    env: { ...process.env, OBSERVED: observedFile, ...environment },
    timeout: 20_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (stdout === '') return reject(new Error(`${name} ended with ${code}: ${stderr}`));
      const observed = existsSync(observedFile) ? JSON.parse(readFileSync(observedFile, 'utf8')) : undefined;
      resolve({ code, result: JSON.parse(stdout), observed, stderr, seconds: (performance.now() - started) / 1000 });
    });
  });
}
