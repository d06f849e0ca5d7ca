/**
 * What the operating system and Node.js tell about this process. Raw values, in the units they come in; a value that
 * this platform does not have is absent.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { createHistogram, type EventLoopUtilization, performance } from 'node:perf_hooks';

/** How often the event loop's delay is looked at. Each look is a wake-up of the process. */
const lookEveryMilliseconds = 20;

/** One reading of the process. */
export interface RawProcess {
  readonly atMilliseconds: number;
  readonly cpuUserMicroseconds: number;
  readonly cpuSystemMicroseconds: number;
  readonly residentBytes: number;
  readonly peakResidentKibibytes: number;
  readonly uptimeSeconds: number;
  /** Counts up since the start of the process; the difference of two readings is a share. */
  readonly eventLoop: EventLoopUtilization;
  /** Since the reading before; absent where the loop was not looked at in between. */
  readonly delay:
    | { readonly p50Nanoseconds: number; readonly p99Nanoseconds: number; readonly maxNanoseconds: number }
    | undefined;
  /** The text of /proc/self/status, on Linux. */
  readonly procStatus: string | undefined;
}

/** Opens what is kept open between readings. */
export interface CpuDriver {
  readonly model: string;
  /** Cores this process may use: a container's limit counts. */
  readonly threads: number;
  read(): RawProcess;
  /** The event loop is not looked at, until `resume`. */
  pause(): void;
  /** Looks at it again; delays from before the pause are not told. */
  resume(): void;
  close(): void;
}

export function openCpuDriver(): CpuDriver {
  const delays = watchEventLoop();
  return {
    model: cpus()[0]?.model.trim() || process.arch,
    threads: availableParallelism(),
    read() {
      const usage = process.resourceUsage();
      return {
        atMilliseconds: performance.now(),
        cpuUserMicroseconds: usage.userCPUTime,
        cpuSystemMicroseconds: usage.systemCPUTime,
        residentBytes: process.memoryUsage.rss(),
        peakResidentKibibytes: usage.maxRSS,
        uptimeSeconds: process.uptime(),
        eventLoop: performance.eventLoopUtilization(),
        delay: delays.read(),
        procStatus: readProcStatus(),
      };
    },
    pause: delays.stop,
    resume: delays.start,
    close: delays.stop,
  };
}

/**
 * How late a timer comes. Node's own `monitorEventLoopDelay` forgets, at a reset, when it last looked, and so loses the
 * delay that a reading falls into: the longest ones.
 */
function watchEventLoop() {
  // Nanoseconds, to a quarter of an hour. Node's histogram begins at 1, so everything is one more than it is.
  const delays = createHistogram({ lowest: 1, highest: 1e12, figures: 2 });
  let expected = 0;
  let timer: NodeJS.Timeout | undefined;

  function look() {
    const now = performance.now();
    delays.record(1 + Math.min(1e12 - 1, Math.max(0, Math.round((now - expected) * 1e6))));
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
    /** The delays since the reading before. */
    read(): RawProcess['delay'] {
      if (delays.count === 0) return undefined;
      const read = {
        p50Nanoseconds: delays.percentile(50) - 1,
        p99Nanoseconds: delays.percentile(99) - 1,
        maxNanoseconds: delays.max - 1,
      };
      delays.reset();
      return read;
    },
    stop: () => clearInterval(timer),
  };
}

function readProcStatus(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return undefined; // a sandbox without /proc: what it tells is then absent
  }
}
