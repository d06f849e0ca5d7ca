/** What accelmeter itself costs its host: time on the main thread, by stage. */
import type { AttributeValues } from './catalogue.ts';

export type Stage = AttributeValues['accelmeter.stage'];

export class SelfTime {
  readonly #seconds = new Map<Stage, number>([
    ['drain', 0],
    ['sample', 0],
    ['analyse', 0],
    ['collect', 0],
    ['serialise', 0],
  ]);
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs `work` and adds what it took to `stage`. */
  measure<T>(stage: Stage, work: () => T): T {
    const start = this.#now();
    try {
      return work();
    } finally {
      this.add(stage, this.#now() - start);
    }
  }

  add(stage: Stage, seconds: number): void {
    this.#seconds.set(stage, (this.#seconds.get(stage) ?? 0) + seconds);
  }

  /** Seconds by stage, since the start. */
  entries(): Iterable<[Stage, number]> {
    return this.#seconds.entries();
  }
}
