/**
 * Runs other programs for the scripts beside this file. Like all of them it runs on any Node from 18 on and with
 * nothing installed, because it runs before anything is.
 */
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/**
 * Runs a program whose output is wanted only when it fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} `output` is stdout and stderr as they came;
 *   a program that could not be started is `ok: false` with the reason as its output.
 */
export function capture(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ ok: false, stdout, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, stdout, output }));
  });
}

/**
 * Runs a program in this one's place: its terminal, its signals, its exit code.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} the exit code; 128 + n where signal n ended it, as shells have it.
 */
export function handOver(program, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: 'inherit' });
    const forward = (signal) => {
      // Ctrl-C in a terminal reaches the whole process group: the child has it already.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
    const watch = watchParent(() => child.kill('SIGTERM'));
    const release = () => {
      clearInterval(watch);
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
    };
    child.on('error', (error) => {
      release();
      reject(error);
    });
    child.on('close', (code, signal) => {
      release();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/**
 * npm starts scripts through a shell and passes a signal on to that shell only. When the shell is gone, so is whoever
 * wanted this program to run.
 */
function watchParent(onGone) {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  return setInterval(() => process.ppid !== parent && onGone(), 200);
}

/** Prints the beginning of a line; its outcome ends it. */
export function say(text) {
  process.stdout.write(text);
}

/** Seconds since `started` (of `performance.now()`), for people. */
export function secondsSince(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Whether a script was started itself, rather than imported by another; `url` is its `import.meta.url`. */
export function isStarted(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}

/** A failure that is explained to a person in a few lines, without a stack. */
export class Explained extends Error {}

/**
 * The main function of a script: what it returns is the exit code, what it throws is said.
 *
 * @param {() => Promise<number>} body
 */
export async function main(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    console.error(error instanceof Explained ? error.message : error);
    process.exitCode = 1;
  }
}
