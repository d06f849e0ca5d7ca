/** Runs a program in a process of its own, and waits for what it prints. */
import { spawn } from 'node:child_process';

export interface ProgramOutput {
  readonly code: number | null;
  /** What it printed, which is JSON. */
  readonly result: unknown;
  readonly stderr: string;
  readonly seconds: number;
}

/** `node ...args`. Rejects where it cannot be started, or prints nothing. */
export function runProgram(args: readonly string[], env: NodeJS.ProcessEnv, timeout: number): Promise<ProgramOutput> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { env, timeout });
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
      if (stdout === '') return reject(new Error(`${args.at(-1)} ended with ${code}: ${stderr}`));
      resolve({ code, result: JSON.parse(stdout), stderr, seconds: (performance.now() - started) / 1000 });
    });
  });
}
