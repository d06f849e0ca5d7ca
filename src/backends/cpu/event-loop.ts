/**
 * How late a timer comes. Node's own `monitorEventLoopDelay` forgets, at a reset, when it last looked, and so loses the
 * delay that a reading falls into: the longest ones.
 */
import { createHistogram, performance } from 'node:perf_hooks';

/** How often the event loop's delay is looked at. Each look is a wake-up of the process. */
const lookEveryMilliseconds = 20;

export interface EventLoopDelay {
  readonly p50Nanoseconds: number;
  readonly p99Nanoseconds: number;
  readonly maxNanoseconds: number;
}

export interface EventLoopWatch {
  /** The delays since the reading before; `undefined` where the loop was not looked at in between. */
  read(): EventLoopDelay | undefined;
  /** Main-thread time that looking took since it was asked before, in milliseconds. */
  costMilliseconds(): number;
  stop(): void;
  /** Looks again after a stop; delays from before are not told. */
  start(): void;
}

/** Begins to look; `alongside` is called at each look, so that who else looks often needs no wake-up of its own. */
export function watchEventLoop(alongside: () => void): EventLoopWatch {
  // Nanoseconds, to a quarter of an hour. Node's histogram begins at 1, so everything is one more than it is.
  const delays = createHistogram({ lowest: 1, highest: 1e12, figures: 2 });
  let cost = 0;
  let expected = 0;
  let timer: NodeJS.Timeout | undefined;

  function look() {
    const now = performance.now();
    delays.record(1 + Math.min(1e12 - 1, Math.max(0, Math.round((now - expected) * 1e6))));
    alongside();
    cost += performance.now() - now;
    expected = now + lookEveryMilliseconds;
  }

  function start() {
    delays.reset();
    expected = performance.now() + lookEveryMilliseconds;
    timer = setInterval(look, lookEveryMilliseconds).unref();
  }

  start();
  return {
    start,
    read() {
      if (delays.count === 0) return undefined;
      const read = {
        p50Nanoseconds: delays.percentile(50) - 1,
        p99Nanoseconds: delays.percentile(99) - 1,
        maxNanoseconds: delays.max - 1,
      };
      delays.reset();
      return read;
    },
    costMilliseconds() {
      const spent = cost;
      cost = 0;
      return spent;
    },
    stop: () => clearInterval(timer),
  };
}
