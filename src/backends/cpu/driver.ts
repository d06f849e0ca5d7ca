/**
 * What the operating system and Node.js tell about this process. Raw values, in the units they come in; a value that
 * this platform does not have is absent.
 */
import { availableParallelism, cpus } from 'node:os';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, type HeapSpaceInfo } from 'node:v8';
import { type EventLoopDelay, watchEventLoop } from './event-loop.ts';
import { type Collections, watchCollections } from './garbage-collection.ts';
import { type KernelFiles, kernelFiles } from './kernel-files.ts';
import { findMemoryLimit, type MemoryLimit } from './memory-limit.ts';
import { measurePoolWait } from './pool-wait.ts';
import { configuredThreads, watchThreadPool } from './thread-pool.ts';

/** Looks at the event loop until the thread pool is looked at as well: twice a second. */
const looksAtLoopPerPool = 25;

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
  readonly delay: EventLoopDelay | undefined;
  /** The text of /proc/self/status, on Linux. */
  readonly procStatus: string | undefined;
  /** The text of /proc/self/schedstat, on Linux: of the main thread. */
  readonly procSchedstat: string | undefined;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  readonly heapSpaces: readonly Pick<HeapSpaceInfo, 'space_name' | 'space_size' | 'space_used_size'>[];
  readonly collections: Collections;
  /** Of the control group; absent where nothing limits it. */
  readonly memoryLimit: MemoryLimit | undefined;
  readonly pool: {
    readonly threads: number;
    /** 0 to 1, since the reading before; absent where it cannot be seen, or no task ever ran. */
    readonly busy: number | undefined;
    /** What a trivial task waits; absent before the first. */
    readonly waitMilliseconds: number | undefined;
  };
}

/** Opens what is kept open between readings. */
export interface CpuDriver {
  readonly model: string;
  /** Cores this process may use: a container's limit counts. */
  readonly threads: number;
  /** False where it cannot be told which worker threads of libuv are busy. */
  readonly poolVisible: boolean;
  read(): RawProcess;
  /** Main-thread time used between readings since this was asked before, in milliseconds. */
  costMilliseconds(): number;
  /** Nothing is watched, until `resume`. */
  pause(): void;
  /** Watches again; what was seen before the pause is not told any more, but for the collections there were. */
  resume(): void;
  close(): void;
}

export function openCpuDriver(files: KernelFiles = kernelFiles): CpuDriver {
  const { platform, arch, execPath: program, versions } = process;
  const pool = watchThreadPool({ platform, arch, program, libuv: versions.uv, files });
  let looks = 0;
  const loop = watchEventLoop(() => {
    looks += 1;
    if (looks % looksAtLoopPerPool === 0) pool?.look();
  });
  const collections = watchCollections();
  const readMemoryLimit = findMemoryLimit(files);
  const wait = measurePoolWait();
  let reads = 0;

  /** A program may still set the size of a pool that no task has started yet; ours must not be the first. */
  function readPool(): RawProcess['pool'] {
    const seen = pool?.read();
    const waitMilliseconds = wait.milliseconds();
    reads += 1;
    const started = pool ? seen?.threads !== undefined : reads > 1;
    if (started) wait.send();
    const threads = seen?.threads ?? configuredThreads(process.env.UV_THREADPOOL_SIZE);
    return { threads, busy: seen?.busy, waitMilliseconds };
  }

  function pause() {
    loop.stop();
    collections.stop();
  }

  return {
    model: cpus()[0]?.model.trim() || process.arch,
    threads: availableParallelism(),
    poolVisible: pool !== undefined,
    read() {
      const usage = process.resourceUsage();
      const heap = getHeapStatistics();
      return {
        atMilliseconds: performance.now(),
        cpuUserMicroseconds: usage.userCPUTime,
        cpuSystemMicroseconds: usage.systemCPUTime,
        residentBytes: process.memoryUsage.rss(),
        peakResidentKibibytes: usage.maxRSS,
        uptimeSeconds: process.uptime(),
        eventLoop: performance.eventLoopUtilization(),
        delay: loop.read(),
        procStatus: files.read('/proc/self/status'),
        procSchedstat: files.read('/proc/self/schedstat'),
        heapUsedBytes: heap.used_heap_size,
        heapLimitBytes: heap.heap_size_limit,
        heapSpaces: getHeapSpaceStatistics(),
        collections: collections.read(),
        memoryLimit: readMemoryLimit(),
        pool: readPool(),
      };
    },
    costMilliseconds: loop.costMilliseconds,
    pause,
    resume() {
      wait.forget();
      loop.start();
      collections.start();
    },
    close: pause,
  };
}
