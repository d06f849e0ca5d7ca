/** `accelmeter run node app.js`: the program under `register`, and a table of what it computed when it ends. */
import { writeFileSync } from 'node:fs';
import type { RunReport } from '../../instrumentation/run-report.ts';
import { type ListenOptions, refuseBusyPort } from './port.ts';
import { exitCodeOf, measureProgram } from './program.ts';
import { backendLines, findingLines, hardwareLines, kernelTable, transferTable } from './terminal.ts';

export interface RunOptions extends ListenOptions {
  readonly serve: boolean;
  /** Also write the report as JSON to this file. */
  readonly output?: string;
}

/** Exits as the program does: with its code, or by its signal. */
export async function run(command: readonly string[], options: RunOptions): Promise<void> {
  if (options.serve) await refuseBusyPort(options);
  const { ending, reports } = await measureProgram(command, options.serve ? { endpoint: options } : {});
  process.stderr.write(describe(reports));
  process.exitCode = exitCodeOf(ending);
  if (options.output !== undefined) writeOutput(options.output, reports);
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
  const { kernels, transfers, uptime, pid, backends, devices } = status;
  const lines = [`\naccelmeter ${status.version}  pid ${pid}, ${uptime.toFixed(1)} s  ${argv.slice(1).join(' ')}\n`];
  lines.push(backendLines(backends), hardwareLines(devices));
  if (kernels.length > 0) lines.push('\n', kernelTable(kernels));
  else lines.push(' no kernels were seen; those of a profiler that the program creates itself are told by that one\n');
  if (transfers.length > 0) lines.push('\n', transferTable(status));
  if (findings.length > 0) lines.push('\n', findingLines(findings));
  return lines.join('');
}
