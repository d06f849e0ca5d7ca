/** Programs started by tests: in the repository's root, with no variable of ours but those the test sets. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { lacks, part } from './parts.ts';

const root = join(import.meta.dirname, '..');

export interface Child {
  /** Resolves with the first match on stdout or stderr; rejects if the program ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  readonly pid: number;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** Starts `node ...args`, on this Node or the one of that path; ends it when the test does. */
export function startNode(
  args: readonly string[],
  environment: Record<string, string> = {},
  node = process.execPath,
): Child {
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(ACCELMETER|OTEL|OPENCL_LAYERS|CUDA_INJECTION64_PATH|NODE_OPTIONS)/.test(name),
  );
  const env = { ...Object.fromEntries(clean), ...environment };
  const began = performance.now();
  const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...output, milliseconds: performance.now() - began }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    ended,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
          if (match) resolve(match);
          return match !== null;
        };
        if (look()) return;
        listeners.add(look);
        void ended.then(
          ({ code, stderr }) => look() || reject(new Error(`ended with ${code} and without ${pattern}: ${stderr}`)),
        );
      }),
  };
}

/** Runs `node ...args` to its end. */
export function runNode(args: readonly string[], environment?: Record<string, string>, node?: string): Promise<Ended> {
  return startNode(args, environment, node).ended;
}

/** `startNode` and `runNode` of one version of Node. */
export interface NodeUnderTest {
  startNode(args: readonly string[], environment?: Record<string, string>): Child;
  runNode(args: readonly string[], environment?: Record<string, string>): Promise<Ended>;
  readonly major: number;
}

/** Describes something three times: on this Node, on the oldest that is supported, and on the newest. */
export function onEveryNode(body: (node: NodeUnderTest) => void): void {
  const on = (path: string, major: number): NodeUnderTest => ({
    startNode: (args, environment) => startNode(args, environment, path),
    runNode: (args, environment) => runNode(args, environment, path),
    major,
  });
  describe(`on Node ${process.versions.node}`, () =>
    body(on(process.execPath, Number.parseInt(process.version.slice(1), 10))));
  for (const [name, major] of [
    ['node22', 22],
    ['node26', 26],
  ] as const) {
    const found = part(name);
    const path = found.present ? found.path : '';
    describe.skipIf(lacks(name))(`on Node ${/node-([\d.]+)/.exec(path)?.[1] ?? major}`, () => body(on(path, major)));
  }
}
