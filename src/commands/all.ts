/** The commands and their arguments. Each verb lives in the file of its name. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { backendNames } from '../backend.ts';
import { missingPeer } from '../missing-peer.ts';
import { version } from '../version.ts';
import { CommandError } from './failure.ts';

/** Runs the command that `argv` names. Sets the exit code: 2 for wrong arguments, 1 for what failed. Never throws. */
export async function parse(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endWithReader);
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const message = error instanceof CommandError ? error.message : missingPeer(error);
    if (message === undefined) throw error;
    process.stderr.write(`accelmeter: ${message}\n`);
    process.exitCode = 1;
  }
}

/** Who reads us through a pipe (`accelmeter doctor | head`) may have seen enough: that is no failure. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function program(): Command {
  const root = new Command('accelmeter')
    .description('What a Node.js service does on its GPUs and CPUs, in OpenTelemetry.')
    .version(version, '-V, --version')
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(accelmeter --help lists the commands)');

  addEndpoint(root.command('run'))
    .description('Run a Node.js program, serve its metrics, and print its kernels and copies when it ends')
    .argument('<command...>', 'the program, such as: node app.js')
    .option('--no-serve', 'no endpoint while it runs')
    .option('--output <file>', 'also write the report as JSON to this file')
    .passThroughOptions()
    .addHelpText('after', example('accelmeter run -- node app.js', 'ends as the program does, with its exit code'))
    .action(async (command: string[], options) => (await import('./run.ts')).run(command, options));

  addEndpoint(root.command('serve'))
    .description("Serve the metrics of this machine's devices until it is stopped")
    .addHelpText('after', example('accelmeter serve --host 0.0.0.0 --port 9400', 'reachable from outside'))
    .action(async (options) => (await import('./serve.ts')).serve(options));

  addEndpoint(root.command('demo'))
    .description('Compute something on whatever is there, and show it live')
    .option('--for <seconds>', 'stop after so many seconds', number(0.1, 86_400))
    .addHelpText('after', example('accelmeter demo --for 30', 'half a minute of it'))
    .action(async (options) => (await import('./demo.ts')).demo(options));

  root
    .command('doctor')
    .description('What is seen, what is not and why, what mends it, and the series it will cost')
    .argument('[backend]', backendNames.join(', '))
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      example(
        'accelmeter doctor opencl --json',
        'exit code 0 where all is well, 1 where the named backend is not there',
        'or one that is there is broken, 2 for wrong arguments',
      ),
    )
    .action(async (backend: string | undefined, options) => (await import('./doctor.ts')).doctor(backend, options));

  root
    .command('devices')
    .description('List the devices of this machine')
    .option('--json', 'as JSON')
    .addHelpText('after', example("accelmeter devices --json | jq -r '.[].id'", 'the ids that metrics carry as hw.id'))
    .action(async (options) => (await import('./devices.ts')).devices(options));

  root
    .command('snapshot')
    .description('Print once how each device of this machine is and what it reads, and this process with them')
    .option('--json', 'as JSON')
    .option('--for <seconds>', 'measure for so long; shares are of its last quarter', number(0, 3600), 1)
    .addHelpText('after', example('accelmeter snapshot --for 5', 'what is wrong for some seconds is found'))
    .action(async (options) => (await import('./snapshot.ts')).snapshot(options));

  addBaseline(root.command('baseline'));
  addCompare(root.command('compare'));

  root
    .command('dashboards')
    .description('Write the Grafana dashboards into a folder')
    .requiredOption('--out <folder>', 'where to write them; made if it is not there')
    .option('--force', 'replace files that are there')
    .addHelpText('after', example('accelmeter dashboards --out /var/lib/grafana/dashboards', 'for a file provider'))
    .action(async (options) => (await import('./dashboards.ts')).dashboards(options));

  root
    .command('build-native')
    .description('Build the C parts for this machine, where the prebuilt ones do not fit')
    .addHelpText('after', example('accelmeter build-native', 'needs a C compiler and libc; nothing is downloaded'))
    .action(async () => (await import('./build-native.ts')).buildNativeHere());

  return root;
}

/** A program stands behind `--`, so that its options are not ours. */
function addBaseline(baseline: Command): void {
  const measured = (command: Command) =>
    command
      .argument('<file>', 'the baseline, a JSON file')
      .argument(
        '[command...]',
        'behind --, the program to measure, such as: -- node app.js; without one a built-in workload',
      )
      .option('--for <seconds>', 'compute for so long on each device, without a program', number(0.01, 3600), 2);
  baseline
    .description('Keep how fast kernels are in a file, and hold a later run against it')
    .addHelpText(
      'after',
      example('accelmeter baseline save kernels.json -- node app.js', 'then the same with compare'),
    );
  measured(baseline.command('save'))
    .description('Measure, and keep it in the file')
    .addHelpText(
      'after',
      example('accelmeter baseline save kernels.json -- node app.js', 'runs the program to its end'),
    )
    .action(async (file: string, command: string[], options) =>
      (await import('./baseline.ts')).save(file, command, options),
    );
  measured(baseline.command('compare'))
    .description('Measure again, and say which kernels are slower than in the file')
    .option('--json', 'as JSON')
    .option('--threshold <percent>', 'how much slower is a regression; 20 by default', number(0, 1e6))
    .addHelpText(
      'after',
      example(
        'accelmeter baseline compare kernels.json --threshold 30 -- node app.js',
        'exit code 1 where a kernel is slower by more, or only fails,',
        'and where nothing could be compared; 2 for wrong arguments',
      ),
    )
    .action(async (file: string, command: string[], options) =>
      (await import('./baseline.ts')).compare(file, command, options),
    );
}

function addCompare(compare: Command): void {
  compare
    .description('Run the same computation on every backend that is there, and say how they compare')
    .option('--json', 'as JSON')
    .option('--for <seconds>', 'compute for so long on each device', number(0.01, 3600), 2)
    .addHelpText(
      'after',
      example(
        'accelmeter compare',
        'exit code 0 where at least one computed and none wrongly, 1 else,',
        '2 for wrong arguments',
      ),
    )
    .action(async (options) => (await import('./compare.ts')).compare(options));
}

/** The end of a command's help: one line to type, and what is to be said of it. */
function example(line: string, ...remarks: readonly string[]): string {
  return `\nExample:\n  $ ${line}\n${remarks.map((remark) => `    ${remark}\n`).join('')}`;
}

/** The options of a command that listens: `ListenOptions`. */
function addEndpoint(command: Command): Command {
  return command
    .option('--host <address>', 'the address to listen on', process.env.OTEL_EXPORTER_PROMETHEUS_HOST || 'localhost')
    .option('--port <number>', 'the port to listen on', wholeNumber(0, 65_535), defaultPort())
    .option(
      '--web.config.file <file>',
      'TLS, passwords and more, as with Prometheus',
      process.env.ACCELMETER_WEB_CONFIG_FILE || undefined,
    );
}

function defaultPort(): number {
  const port = Number(process.env.OTEL_EXPORTER_PROMETHEUS_PORT || 9464);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : 9464;
}

function wholeNumber(from: number, to: number) {
  const inRange = number(from, to);
  return (text: string) => {
    const value = inRange(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
}

function number(from: number, to: number) {
  return (text: string) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= from && value <= to)) throw new InvalidArgumentError(`It must be a number from ${from} to ${to}.`);
    return value;
  };
}
