/**
 * Keeps a backend from hurting its host: every call into its session is caught, timed and counted, and after three
 * faults in a row the session is closed and stays off.
 */
import type { BackendName, Sample, Session, SourceState } from './backend.ts';
import { ProbeError, type ProbeErrorKind } from './errors.ts';

const faultsUntilOff = 3;

/** A session that cannot throw. */
export interface SupervisedSession {
  readonly backend: BackendName;
  sources(): readonly SourceState[];
  /** `undefined` where there is nothing to sample, or it failed. */
  sample(): Sample | undefined;
  /** True where more records wait. */
  drain(budgetSeconds: number): boolean;
  settle(seconds: number): void;
  /** Failed calls so far, by source and kind of error. */
  failures(): Iterable<{ source: string; kind: ProbeErrorKind; count: number }>;
  /** How long the last sampling took, by source. */
  sampleSeconds(): Iterable<{ source: string; seconds: number }>;
  close(): void;
}

export function supervise(backend: BackendName, session: Session, now: () => number): SupervisedSession {
  const failures = new Map<string, { source: string; kind: ProbeErrorKind; count: number }>();
  let consecutive = 0;
  let off: ProbeError | undefined;
  let lastSources: readonly SourceState[] = [];
  let lastSample: number | undefined;

  /** The first source of a session is the one that is sampled, the last the one that is drained. */
  const sampled = () => lastSources[0]?.name ?? backend;
  const drained = () => lastSources.at(-1)?.name ?? backend;

  function guarded<T>(source: () => string, call: () => T): T | undefined {
    if (off) return undefined;
    try {
      const result = call();
      consecutive = 0;
      return result;
    } catch (thrown) {
      const error = ProbeError.from(thrown);
      const key = `${source()} ${error.kind}`;
      const entry = failures.get(key);
      if (entry) entry.count += 1;
      else failures.set(key, { source: source(), kind: error.kind, count: 1 });
      consecutive += 1;
      if (consecutive >= faultsUntilOff) {
        off = error;
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
    lastSources =
      guarded(
        () => backend,
        () => session.sources(),
      ) ?? lastSources;
    if (!off) return lastSources;
    const detail = `switched off after ${faultsUntilOff} faults: ${off.message}`;
    return lastSources.map((source) => ({ ...source, up: false, detail }));
  }

  return {
    backend,
    sources,
    sample() {
      if (!session.sample) return undefined;
      const start = now();
      const sample = guarded(sampled, () => session.sample?.());
      if (sample) lastSample = now() - start;
      return sample;
    },
    drain: (budgetSeconds) => guarded(drained, () => session.drain?.(budgetSeconds)) ?? false,
    settle: (seconds) => guarded(drained, () => session.settle?.(seconds)),
    failures: () => failures.values(),
    sampleSeconds: () => (lastSample === undefined || off ? [] : [{ source: sampled(), seconds: lastSample }]),
    close() {
      if (!off) closeQuietly();
      off ??= new ProbeError('absent', 'closed');
    },
  };
}
