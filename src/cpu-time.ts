/** What the process itself takes of the CPU. */
import { availableParallelism } from 'node:os';

/** Seconds of CPU time that the process has used so far, on all of its threads, over the cores it may use. */
export function cpuSecondsPerCore(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 / availableParallelism();
}
