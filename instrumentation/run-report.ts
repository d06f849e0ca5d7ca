/**
 * Preloaded by `accelmeter run` in place of `register`: the same, begun before the program's first line so that no
 * program is too short for it, and with a report of all that ran, written when the process ends.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { type Finding, findingOf } from '../src/analyzer/finding.ts';
import { observe } from '../src/analyzer/observe.ts';
import type { BaselineDevice } from '../src/baseline/baseline.ts';
import { missingPeer } from '../src/missing-peer.ts';
import { armDrivers } from '../src/native/arm.ts';
import { resolveOptions } from '../src/options.ts';
import { lifetimeWindow } from '../src/profile/lifetime.ts';
import type { ProfilerState } from '../src/profiler.ts';
import { leaveProfiler } from '../src/registered-profiler.ts';
import type { Status } from '../src/status.ts';
import { claimProcess } from './claim.ts';
import { say } from './say.ts';
import { isPackageManager, readSwitches } from './switches.ts';

/** What one process of the program leaves behind for `accelmeter run`. */
export interface RunReport {
  readonly argv: readonly string[];
  readonly status: Status;
  /** What the rules say of the whole run. */
  readonly findings: readonly Finding[];
  /** What each device did, as `accelmeter baseline` keeps it. */
  readonly devices: readonly BaselineDevice[];
}

/** How long the end of the process may be put off for commands that the device is still finishing. */
const settleSeconds = 0.5;

const directory = process.env.ACCELMETER_RUN_REPORT;
if (isMainThread && directory && !isPackageManager(process.argv[1])) await begin(directory);

async function begin(into: string): Promise<void> {
  try {
    const switches = readSwitches(process.env, process.versions.node);
    if (switches.off !== undefined) return sayProblem(`off, ${switches.off}`);
    if (!claimProcess()) return;
    const options = resolveOptions({}, process.env, sayProblem);
    armDrivers((backend) => options.backends.includes(backend));
    const { host, port, worker, webConfigFile, service } = switches;
    // In here, because a package that is missing must not keep the program from running.
    const { openScrapeTarget } = await import('../src/scrape-target.ts');
    const { describeDevices } = await import('../src/baseline/baseline.ts');
    const endpoint = { host, port, worker, webConfigFile, detached: true, notify: sayProblem };
    const target = await openScrapeTarget(options, { lazy: true, service, ...endpoint });
    // As under register: what the program records itself belongs to the report.
    leaveProfiler(target.profiler);
    if (process.env.ACCELMETER_RUN_SERVE === '1') await held(target.listen().catch(sayProblem));
    atEnd(() => {
      target.state.settle(settleSeconds);
      const status = target.profiler.status();
      const { state } = target;
      const told = { findings: findingsOf(state), devices: describeDevices(state) };
      const report: RunReport = { argv: process.argv, status, ...told };
      // Renamed when it is whole: a process that its parent did not wait for may be writing when reports are read.
      const file = join(into, `${process.pid}.json`);
      writeFileSync(`${file}.part`, JSON.stringify(report));
      renameSync(`${file}.part`, file);
    });
  } catch (error) {
    sayProblem(error);
  }
}

/**
 * Waits, and keeps the process meanwhile: what listens keeps nothing, and a program that has not begun yet would end
 * before its first line.
 */
async function held<T>(waiting: Promise<T>): Promise<T> {
  const holding = setInterval(() => {}, 1000);
  try {
    return await waiting;
  } finally {
    clearInterval(holding);
  }
}

/** Nothing is raised or cleared in a run that is over: these are findings of its end. */
function findingsOf(state: ProfilerState): Finding[] {
  const now = state.now();
  const { rules: profile, thresholds, suppress } = state.options;
  const raisedAt = new Date().toISOString();
  return [...state.profiles.values()].flatMap((device) => {
    const window = lifetimeWindow(device, now);
    return observe(window, { profile, thresholds, suppress }).sightings.map((sighting) => {
      const { rule, severity, observation } = sighting;
      const id = [rule.code, window.device.id, observation.kernel ?? ''].join(' ').trim();
      return findingOf(sighting, window, { id, raisedAt, severity });
    });
  });
}

/** Calls `write` once, when the process exits or is ended by a signal that it does not handle itself. */
function atEnd(write: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    try {
      write();
    } catch (error) {
      sayProblem(error);
    }
  };
  process.on('exit', once);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) return; // the program's own handler decides
      once();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function sayProblem(problem: unknown): void {
  say(`accelmeter: ${missingPeer(problem) ?? (problem instanceof Error ? problem.message : String(problem))}`);
}
