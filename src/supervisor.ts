/**
 * Keeps a backend from hurting its host: every call into its session is caught, timed and counted, and after three
 * faults in a row the session is closed and stays off.
 */
import type { BackendName, Sample, Session, SourceState } from './backend.ts';
import { ProbeError, type ProbeErrorKind } from './errors.ts';

const faultsUntilOff = 3;

type Call = 'prepare' | 'sample' | 'drain' | 'pause' | 'resume';

/** A session that cannot throw. */
export interface SupervisedSession {
  readonly backend: BackendName;
  /** True where there is something to drain. */
  readonly drains: boolean;
  sources(): readonly SourceState[];
  /** Resolves when what `sample` reads is ready; never rejects. `undefined` where nothing has to be made ready. */
  prepare(): Promise<void> | undefined;
  /** `undefined` where there is nothing to sample, or it failed. */
  sample(): Sample | undefined;
  /** True where more records wait. */
  drain(budgetSeconds: number): boolean;
  settle(seconds: number): void;
  /** Idempotent; what a session does not do of itself is up to the caller, who neither samples nor drains it. */
  pause(): void;
  resume(): void;
  /** Failed calls so far, by source and kind of error. */
  failures(): Iterable<{ source: string; kind: ProbeErrorKind; count: number }>;
  /** How long the last sampling took, by source. */
  sampleSeconds(): Iterable<{ source: string; seconds: number }>;
  close(): void;
}

/** The sources of a backend as they are now; none where it is not open. */
export function sourcesOf(sessions: readonly SupervisedSession[], backend: BackendName): readonly SourceState[] {
  return sessions.find((session) => session.backend === backend)?.sources() ?? [];
}

export function supervise(backend: BackendName, session: Session, now: () => number): SupervisedSession {
  const failures = new Map<string, { source: string; kind: ProbeErrorKind; count: number }>();
  /** By the call that failed: a sample that goes well does not excuse a drain that never does. */
  const inARow: Record<Call, number> = { prepare: 0, sample: 0, drain: 0, pause: 0, resume: 0 };
  /** Why it is off, for people; `undefined` while it is on. */
  let off: string | undefined;
  let paused = false;
  let lastSample: number | undefined;
  let lastSources: readonly SourceState[] = [];
  lookAtSources();

  /** Sources are told from memory, so this does not fail; if it did, the last answer would stand. */
  function lookAtSources() {
    try {
      if (!off) lastSources = session.sources();
    } catch {
      // as said
    }
    return lastSources;
  }

  /** The first source of a session is the one that is sampled, the last the one that is drained. */
  const sourceOf = (call: Call) =>
    (call === 'sample' || call === 'prepare' ? lastSources[0] : lastSources.at(-1))?.name ?? backend;

  function guarded<T>(call: Call, run: () => T): T | undefined {
    if (off) return undefined;
    try {
      const result = run();
      inARow[call] = 0;
      return result;
    } catch (thrown) {
      const error = ProbeError.from(thrown);
      const source = sourceOf(call);
      const entry = failures.get(`${source} ${error.kind}`);
      if (entry) entry.count += 1;
      else failures.set(`${source} ${error.kind}`, { source, kind: error.kind, count: 1 });
      inARow[call] += 1;
      if (inARow[call] >= faultsUntilOff) {
        off = `switched off after ${faultsUntilOff} faults: ${error.message}`;
        closeQuietly();
      }
      return undefined;
    }
  }

  function closeQuietly() {
    try {
      session.close();
    } catch {
      // The session is given up either way, and there is nobody who could act on this.
    }
  }

  function sources(): readonly SourceState[] {
    const known = lookAtSources();
    if (off) {
      const detail = off;
      return known.map((source) => ({ ...source, up: false, detail }));
    }
    return paused ? known.map((source) => (source.up ? { ...source, up: false, detail: 'paused' } : source)) : known;
  }

  return {
    backend,
    drains: session.drain !== undefined,
    sources,
    prepare: () => guarded('prepare', () => session.prepare?.())?.catch(() => {}),
    sample() {
      if (!session.sample) return undefined;
      const start = now();
      const sample = guarded('sample', () => session.sample?.());
      if (sample) lastSample = now() - start + (sample.elsewhereSeconds ?? 0) + (sample.asideSeconds ?? 0);
      return sample;
    },
    drain: (budgetSeconds) => guarded('drain', () => session.drain?.(budgetSeconds)) ?? false,
    settle: (seconds) => guarded('drain', () => session.settle?.(seconds)),
    pause() {
      if (paused) return;
      paused = true;
      guarded('pause', () => session.pause?.());
    },
    resume() {
      if (!paused) return;
      paused = false;
      guarded('resume', () => session.resume?.());
    },
    failures: () => failures.values(),
    sampleSeconds: () => (lastSample === undefined || off ? [] : [{ source: sourceOf('sample'), seconds: lastSample }]),
    close() {
      if (!off) closeQuietly();
      off ??= 'closed';
    },
  };
}
