/**
 * Who is told of findings: the listeners of a profiler, and the diagnostics channel `accelmeter:finding`. They are told
 * in order, after the work of the tick that found it, and nothing that they do comes back.
 */
import { channel } from 'node:diagnostics_channel';
import type { Finding } from './analyzer/finding.ts';
import { warn } from './warning.ts';

export type FindingListener = (finding: Finding) => void;

const findings = channel('accelmeter:finding');

interface Told {
  readonly tell: FindingListener;
  /** It has thrown, and was warned of. */
  faulty: boolean;
}

export class Announcements {
  readonly #listeners = new Set<Told>();
  readonly #waiting: Finding[] = [];
  #delivering = false;

  /** Tells `listener` of what is announced from now on, until the function that this gives is called. */
  on(listener: FindingListener): () => void {
    const entry: Told = { tell: listener, faulty: false };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Tells everyone before the event loop goes on, but not before the caller is done. */
  announce(finding: Finding): void {
    if (this.#listeners.size === 0 && !findings.hasSubscribers) return;
    this.#waiting.push(finding);
    if (this.#waiting.length === 1) queueMicrotask(() => this.deliver());
  }

  /** Tells at once what waits. What a listener makes of it, such as closing the profiler, is told after it. */
  deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (let finding = this.#waiting.shift(); finding !== undefined; finding = this.#waiting.shift()) {
      for (const listener of this.#listeners) tell(listener, finding);
      if (findings.hasSubscribers) findings.publish(finding); // catches what its subscribers throw
    }
    this.#delivering = false;
  }
}

/** A listener that fails is the service's to mend, and stays: the next finding may be one that it can take. */
function tell(listener: Told, finding: Finding): void {
  const failed = (error: unknown) => {
    if (listener.faulty) return;
    listener.faulty = true;
    warn(`a listener for findings failed: ${error instanceof Error ? error.message : String(error)}`);
  };
  try {
    const result: unknown = listener.tell(finding);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
