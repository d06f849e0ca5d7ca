/**
 * What the operating system and Node.js tell about this process. Raw values, in the units they come in; a value that
 * this platform does not have is absent.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** How often the event loop's delay is looked at. Each look is a wake-up of the process. */
const delayResolutionMilliseconds = 20;

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
  readonly delay: { readonly p50Nanoseconds: number; readonly p99Nanoseconds: number; readonly maxNanoseconds: number } | undefined;
  /** The text of /proc/self/status, on Linux. */
  readonly procStatus: string | undefined;
}

/** Opens what is kept open between readings. */
export interface CpuDriver {
  readonly model: string;
  /** Cores this process may use: a container's limit counts. */
  readonly threads: number;
  read(): RawProcess;
  close(): void;
}

export function openCpuDriver(): CpuDriver {
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMilliseconds });
  delays.enable();
  return {
    model: cpus()[0]?.model.trim() || process.arch,
    threads: availableParallelism(),
    read() {
      const usage = process.resourceUsage();
      const reading: RawProcess = {
        atMilliseconds: performance.now(),
        cpuUserMicroseconds: usage.userCPUTime,
        cpuSystemMicroseconds: usage.systemCPUTime,
        residentBytes: process.memoryUsage.rss(),
        peakResidentKibibytes: usage.maxRSS,
        uptimeSeconds: process.uptime(),
        eventLoop: performance.eventLoopUtilization(),
        delay: readDelay(),
        procStatus: readProcStatus(),
      };
      delays.reset();
      return reading;
    },
    close: () => void delays.disable(),
  };

  /** What Node records is the time between two looks; what is over their distance is the delay. */
  function readDelay(): RawProcess['delay'] {
    if (delays.count === 0) return undefined;
    const over = (nanoseconds: number) => Math.max(0, nanoseconds - delayResolutionMilliseconds * 1e6);
    return {
      p50Nanoseconds: over(delays.percentile(50)),
      p99Nanoseconds: over(delays.percentile(99)),
      maxNanoseconds: over(delays.max),
    };
  }
}

function readProcStatus(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync('/proc/self/status', 'latin1');
  } catch {
    return undefined; // a sandbox without /proc: what it tells is then absent
  }
}
