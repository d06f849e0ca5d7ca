/** A Node.js program that is measured from its first line to its end, and what its processes report of themselves. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '../../instrumentation/run-report.ts';
import { CommandError } from './failure.ts';
import type { ListenOptions } from './port.ts';

export interface ProgramOptions {
  /** Where its metrics are served while it runs; by default nowhere. */
  readonly endpoint?: ListenOptions;
  /** Where what it prints goes: `stderr` where stdout is the command's own. */
  readonly output?: 'stdout' | 'stderr';
}

/** How a program ended: one of both is not null. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Runs the program to its end. Throws a CommandError where it cannot be run. */
export async function measureProgram(
  [file = '', ...args]: readonly string[],
  options: ProgramOptions = {},
): Promise<{ ending: Ending; reports: readonly RunReport[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'accelmeter-run-'));
  try {
    const ending = await runProgram(file, args, options, directory);
    return { ending, reports: readReports(directory) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As a shell has it: the code, or 128 and the signal's number. */
export function exitCodeOf({ code, signal }: Ending): number {
  return signal ? 128 + constants.signals[signal] : (code ?? 0);
}

function runProgram(
  file: string,
  args: readonly string[],
  { endpoint, output = 'stdout' }: ProgramOptions,
  directory: string,
): Promise<Ending> {
  const preload = new URL(`../../instrumentation/run-report${import.meta.url.slice(-3)}`, import.meta.url);
  const child = spawn(file, args, {
    stdio: ['inherit', output === 'stdout' ? 'inherit' : 2, 'inherit'],
    env: {
      ...process.env,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import="${preload}"`.trim(),
      ACCELMETER_RUN_REPORT: directory,
      ACCELMETER_RUN_SERVE: endpoint ? '1' : '0',
      ...(endpoint && {
        OTEL_EXPORTER_PROMETHEUS_HOST: endpoint.host,
        OTEL_EXPORTER_PROMETHEUS_PORT: String(endpoint.port),
        ACCELMETER_WEB_CONFIG_FILE: endpoint['web.config.file'] ?? '',
      }),
    },
  });
  // A terminal sends Ctrl-C to both: the program decides, and the report follows. A second signal ends it by force: for
  // the report our preload listens, and so a program whose event loop does not turn lives through the first.
  let signals = 0;
  const byForce = () => {
    signals += 1;
    return signals > 1 && child.kill('SIGKILL');
  };
  process.on('SIGINT', byForce);
  process.on('SIGTERM', () => byForce() || child.kill('SIGTERM'));
  process.on('SIGHUP', () => byForce() || child.kill('SIGHUP'));
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new CommandError(`${file} could not be run: ${error.message}`)));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
}

function readReports(directory: string): RunReport[] {
  const whole = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return whole.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')));
}
