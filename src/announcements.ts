/**
 * Who is told of findings: the listeners of a profiler, and the diagnostics channel `accelmeter:finding`. They are told
 * in order, after the work of the tick that found it. What a listener throws is said once; a subscriber of the channel that
 * throws is Node's, which ends the process as with any channel.
 */
import { channel } from 'node:diagnostics_channel';
import type { Finding } from './analyzer/finding.ts';
import { Listeners } from './listeners.ts';

export type FindingListener = (finding: Finding) => void;

const findings = channel('accelmeter:finding');

export class Announcements {
  readonly #listeners = new Listeners<Finding>('findings');
  readonly #waiting: Finding[] = [];
  #delivering = false;

  /** Tells `listener` of what is announced from now on, until the function that this gives is called. */
  on(listener: FindingListener): () => void {
    return this.#listeners.on(listener);
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
      this.#listeners.tell(finding);
      if (findings.hasSubscribers) findings.publish(finding); // what its subscribers throw, Node makes an uncaught exception
    }
    this.#delivering = false;
  }
}
