/**
 * How many runs of one kernel are on the device at once; further ones wait for one to end. A queue lets a program have 64
 * command buffers that have not ended, and at the next one Metal itself waits, with our event loop. And a process can have
 * some 32 buffers of counter samples at once (gpuweb/gpuweb#3652): each lane keeps one, and each run in it uses it again.
 */
import { ProbeError } from '../../errors.ts';

/** Where one run at a time is. */
export interface Lane {
  /** Room for the timestamps of its pass; ours to release. `undefined` before the first run, and where there is none. */
  samples: bigint | undefined;
  /** True from the commit of a run until it has been seen to have ended. */
  isBusy: boolean;
}

const mostAtOnce = 4;

interface Waiting {
  resolve(lane: Lane): void;
  reject(error: ProbeError): void;
}

export class Lanes {
  readonly #release: (samples: bigint) => void;
  readonly #free: Lane[] = Array.from({ length: mostAtOnce }, () => ({ samples: undefined, isBusy: false }));
  readonly #waiting: Waiting[] = [];
  #usable = mostAtOnce;
  #closed = false;

  /** `release` gives up the samples of a lane. */
  constructor(release: (samples: bigint) => void) {
    this.#release = release;
  }

  /** A lane: now where one is free, else in turn. Rejects with a ProbeError `stuck` where the GPU has ended none. */
  take(): Lane | Promise<Lane> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#usable === 0) return Promise.reject(stuck());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Takes a lane back. One of which the run has not ended is not used again. */
  give(lane: Lane): void {
    if (lane.isBusy) {
      this.#empty(lane);
      this.#usable -= 1;
      if (this.#usable === 0) for (const { reject } of this.#waiting.splice(0)) reject(stuck());
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next.resolve(lane);
      return;
    }
    if (this.#closed) this.#empty(lane);
    this.#free.push(lane);
  }

  /** Gives up what the lanes keep; those that are in use, once they are given back. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#free) this.#empty(lane);
  }

  #empty(lane: Lane): void {
    if (lane.samples !== undefined) this.#release(lane.samples);
    lane.samples = undefined;
  }
}

const stuck = () => new ProbeError('stuck', `${mostAtOnce} runs of this kernel have not ended`);
