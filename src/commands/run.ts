/** `accelmeter run node app.js`: the program under `register`, and a table of what it computed when it ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '../../instrumentation/run-report.ts';
import { CommandError } from './failure.ts';
import { type ListenOptions, refuseBusyPort } from './port.ts';
import { backendLines, findingLines, kernelTable, transferTable } from './terminal.ts';

export interface RunOptions extends ListenOptions {
  readonly serve: boolean;
  /** Also write the report as JSON to this file. */
  readonly output?: string;
}

/** Exits as the program does: with its code, or by its signal. */
export async function run([file = '', ...args]: readonly string[], options: RunOptions): Promise<void> {
  if (options.serve) await refuseBusyPort(options);
  const directory = mkdtempSync(join(tmpdir(), 'accelmeter-run-'));
  try {
    const { code, signal } = await runProgram(file, args, options, directory);
    const reports = readReports(directory);
    process.stderr.write(describe(reports));
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 0);
    if (options.output !== undefined) writeOutput(options.output, reports);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function runProgram(file: string, args: readonly string[], options: RunOptions, directory: string) {
  const preload = new URL(`../../instrumentation/run-report${import.meta.url.slice(-3)}`, import.meta.url);
  const child = spawn(file, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import="${preload}"`.trim(),
      ACCELMETER_RUN_REPORT: directory,
      ACCELMETER_RUN_SERVE: options.serve ? '1' : '0',
      OTEL_EXPORTER_PROMETHEUS_HOST: options.host,
      OTEL_EXPORTER_PROMETHEUS_PORT: String(options.port),
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
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', (error) => reject(new CommandError(`${file} could not be run: ${error.message}`)));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
}

function readReports(directory: string): RunReport[] {
  const whole = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return whole.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')));
}

function writeOutput(file: string, reports: readonly RunReport[]): void {
  try {
    writeFileSync(file, `${JSON.stringify(reports, null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`accelmeter: the report could not be written: ${(error as Error).message}\n`);
    process.exitCode ||= 1;
  }
}

/** Every process that computed something, or the only one that did not. */
function describe(reports: readonly RunReport[]): string {
  const computed = reports.filter(({ status }) => status.kernels.length + status.transfers.length > 0);
  const shown = computed.length > 0 ? computed : reports.slice(0, 1);
  if (shown.length === 0)
    return '\naccelmeter: no report; the program was not Node.js, was ended by force, or has accelmeter off\n';
  return shown.map(describeOne).join('');
}

function describeOne({ argv, status, findings }: RunReport): string {
  const { kernels, transfers, uptime, pid, backends } = status;
  const lines = [`\naccelmeter ${status.version}  pid ${pid}, ${uptime.toFixed(1)} s  ${argv.slice(1).join(' ')}\n`];
  lines.push(backendLines(backends));
  if (kernels.length > 0) lines.push('\n', kernelTable(kernels));
  else lines.push(' no kernels were seen\n');
  if (transfers.length > 0) lines.push('\n', transferTable(status));
  if (findings.length > 0) lines.push('\n', findingLines(findings));
  return lines.join('');
}
