/**
 * Drivers are asked in a process of their own before they are asked in ours: one that crashes or hangs when it is
 * initialised would take the command with it. This file is both sides: what the commands call, and, run as a program,
 * the process that may be lost.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Backend, type BackendName, backendNames } from '../backend.ts';
import { allBackends } from '../backends/all.ts';
import { ProbeError } from '../errors.ts';
import { type ResolvedOptions, resolveOptions } from '../options.ts';
import { openProfiler } from '../profiler.ts';

/** The backends that load drivers when they are opened: code that is not ours and not Node's. */
const withDrivers: readonly BackendName[] = ['opencl'];
/** What the driver said before it was lost: as much of it as stands in a line. */
const mostWords = 200;

/**
 * The backends to open in this process: those whose drivers do not survive being opened are replaced by one that says
 * so. Takes as long as initialising the drivers does; one that has not answered by the deadline is taken to hang.
 */
export async function backendsThatSurvive(
  options: ResolvedOptions,
  { deadlineSeconds = 10 } = {},
): Promise<readonly Backend[]> {
  return Promise.all(
    allBackends.map(async (backend) => {
      if (!withDrivers.includes(backend.name) || !options.backends.includes(backend.name)) return backend;
      const fault = await probe(backend.name, options, deadlineSeconds);
      return fault === undefined ? backend : lost(backend.name, fault);
    }),
  );
}

function lost(name: BackendName, fault: ProbeError): Backend {
  return {
    name,
    open() {
      throw fault;
    },
  };
}

/** Opens the backend in a process of its own. `undefined` where that survives it, whatever it finds. */
function probe(
  name: BackendName,
  { openclLibrary }: ResolvedOptions,
  deadlineSeconds: number,
): Promise<ProbeError | undefined> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), name], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', ...(openclLibrary && { ACCELMETER_OPENCL_LIBRARY: openclLibrary }) },
  });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(0, mostWords);
  });
  return new Promise((resolve) => {
    const settle = (fault?: ProbeError) => {
      clearTimeout(deadline);
      child.kill('SIGKILL');
      resolve(fault);
    };
    const deadline = setTimeout(() => {
      settle(faultOf('stuck', `the driver did not answer within ${deadlineSeconds} s`, name));
    }, deadlineSeconds * 1000);
    child.once('message', () => settle()); // it was opened: how the process ends is not asked
    child.once('error', () => settle()); // no process could be started: then there is nothing known against the driver
    child.once('close', (code, signal) => {
      const end = signal === null ? `ended the process with code ${code}` : `crashed (${signal})`;
      const said = words.trim().split('\n', 1)[0] ?? '';
      settle(faultOf('broken', `the driver ${end}${said === '' ? '' : `: ${said}`}`, name));
    });
  });
}

function faultOf(kind: 'stuck' | 'broken', message: string, name: BackendName): ProbeError {
  const others = backendNames.filter((other) => other !== name).join(',');
  return new ProbeError(kind, message, {
    remedy: `mend or remove the driver; ACCELMETER_BACKENDS=${others} leaves it alone`,
  });
}

const [, file, asked] = process.argv;
const backend = backendNames.find((name) => name === asked);
if (file === fileURLToPath(import.meta.url) && backend !== undefined) {
  await openProfiler(resolveOptions({ backends: [backend] }, process.env, () => {}));
  process.send?.('opened'); // and waits to be ended
}
