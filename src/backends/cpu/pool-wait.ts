/**
 * How long a trivial task waits for one of libuv's worker threads. The task asks whether `/` is there: one system call,
 * about 10 µs of the main thread and as much of a worker, never sent to io_uring instead, and nothing to load.
 *
 * Its end is only seen when the event loop turns. So that a blocked loop is not taken for a full pool, what counts is
 * the time in which the loop itself waited: had the task been done, that would have woken it. A loop that is never
 * idle therefore sees less of a wait than there is.
 */
import { access } from 'node:fs';
import { performance } from 'node:perf_hooks';

export interface PoolWait {
  /** Sends a task, unless one is under way. */
  send(): void;
  /** What the last task waited, or the one under way until now; `undefined` before the first. */
  milliseconds(): number | undefined;
  /** Tasks sent until now are not told any more. */
  forget(): void;
}

export function measurePoolWait(): PoolWait {
  /** The task under way: what the loop had been idle when it was sent. */
  let sent: { readonly idle: number } | undefined;
  let underWay = false;
  let last: number | undefined;
  const idle = () => performance.eventLoopUtilization().idle;
  return {
    send() {
      if (underWay) return;
      const task = { idle: idle() };
      try {
        access('/', () => {
          underWay = false;
          if (sent !== task) return; // forgotten meanwhile
          last = idle() - task.idle;
          sent = undefined;
        });
        underWay = true;
        sent = task;
      } catch {
        // Node's permission model forbids it: then there is no such measure
      }
    },
    milliseconds: () => (sent ? idle() - sent.idle : last),
    forget() {
      sent = undefined;
      last = undefined;
    },
  };
}
