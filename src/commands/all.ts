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
    .action(async (command: string[], options) => (await import('./run.ts')).run(command, options));

  addEndpoint(root.command('serve'))
    .description("Serve the metrics of this machine's devices until it is stopped")
    .action(async (options) => (await import('./serve.ts')).serve(options));

  addEndpoint(root.command('demo'))
    .description('Compute something on whatever is there, and show it live')
    .option('--for <seconds>', 'stop after so many seconds', number(0.1, 86_400))
    .action(async (options) => (await import('./demo.ts')).demo(options));

  root
    .command('doctor')
    .description('What is seen, what is not and why, what mends it, and the series it will cost')
    .argument('[backend]', backendNames.join(', '))
    .action(async (backend?: string) => (await import('./doctor.ts')).doctor(backend));

  root
    .command('build-native')
    .description('Build the C parts for this machine, where the prebuilt ones do not fit')
    .action(async () => (await import('./build-native.ts')).buildNativeHere());

  return root;
}

/** The options of a command that listens: `ListenOptions`. */
function addEndpoint(command: Command): Command {
  return command
    .option('--host <address>', 'the address to listen on', process.env.OTEL_EXPORTER_PROMETHEUS_HOST || 'localhost')
    .option('--port <number>', 'the port to listen on', wholeNumber(0, 65_535), defaultPort());
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
