/**
 * The command buffers that the program gave us, until they have ended. Each is retained, looked at from a timer, read when
 * it has ended, and released. No handler is added to it: a handler is a block that Metal calls on a thread of its own,
 * where no JavaScript may run (docs/decisions/0110-no-completion-handlers.md).
 */
import type { ActivitySink } from '../../activity.ts';
import type { TimedPasses } from '../../metal-device.ts';
import type { Mac } from './driver.ts';
import { errorType } from './error-codes.ts';
import type { GpuClock } from './gpu-clock.ts';
import { readPasses } from './passes.ts';
import { executionOf, executionsOfPasses, schedulingOf, type Times } from './times.ts';

/** `MTLCommandBufferStatus`: 0 not enqueued, 1 enqueued, 2 committed, 3 scheduled, 4 completed, 5 error. */
const committed = 2;
const completed = 4;
const failed = 5;

/** Where the work of one device goes, and what its timestamps mean. */
export interface Target {
  readonly registryId: bigint;
  readonly sink: ActivitySink;
  readonly clock: GpuClock;
  /** Looks at both clocks once more. */
  calibrate(): void;
}

interface Followed {
  readonly target: Target;
  readonly name: string;
  readonly passes: TimedPasses | undefined;
  /** Since when it is followed, in process seconds. */
  readonly since: number;
}

/** Those that wait for the GPU; a program that has so many in flight is told of as far as they go. */
const mostFollowed = 4096;
/**
 * A queue lets a program have 64 command buffers that have not ended (MTLDevice.h). One that we hold and the program has
 * given up counts as such for ever: so few are held before their commit, and not for long.
 */
const mostUncommitted = 16;
const uncommittedSeconds = 10;

export class CommandBuffers {
  readonly #mac: Mac;
  readonly #followed = new Map<bigint, Followed>();
  /** Those that had not been committed when they were last looked at, the oldest first. */
  readonly #uncommitted = new Set<bigint>();
  #dropped = 0;
  #seen = 0;
  readonly #scheduling = { seconds: 0, buffers: 0 };

  constructor(mac: Mac) {
    this.#mac = mac;
  }

  /** Command buffers that were given to us and that we had to give up, or that had no times. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Command buffers of which the end was seen. */
  get seen(): number {
    return this.#seen;
  }

  /** How long the system took to schedule one, in seconds, on average; `undefined` where it has told of none. */
  get schedulingSeconds(): number | undefined {
    const { seconds, buffers } = this.#scheduling;
    return buffers === 0 ? undefined : seconds / buffers;
  }

  /** True where any has been committed and has not ended: the others may never be. */
  get waiting(): boolean {
    return this.#followed.size > this.#uncommitted.size;
  }

  /** How many of a device have not ended. */
  inFlight(target: Target): number {
    let count = 0;
    for (const each of this.#followed.values()) count += each.target === target ? 1 : 0;
    return count;
  }

  /** Follows one until it has ended, or reads it at once. False where it cannot be measured; never throws. */
  observe(target: Target, pointer: bigint, name: string, passes: TimedPasses | undefined): boolean {
    try {
      return this.#mac.pooled(() => this.#take(target, pointer, name, passes));
    } catch {
      this.#dropped += 1;
      return false;
    }
  }

  #take(target: Target, pointer: bigint, name: string, passes: TimedPasses | undefined): boolean {
    if (!this.#isOf(target, pointer) || !this.#canBeRead(passes)) return false;
    if (this.#followed.has(pointer)) return true;
    const followed = { target, name, passes, since: performance.now() / 1000 };
    const status = this.#statusOf(pointer);
    if (status >= completed) {
      this.#read(pointer, followed, status);
      return true;
    }
    if (this.#followed.size >= mostFollowed) {
      this.#dropped += 1;
      return false;
    }
    this.#follow(pointer, followed, status);
    return true;
  }

  /** Delivers those that have ended. True where it stopped at `budgetSeconds`. */
  drain(budgetSeconds: number): boolean {
    if (this.#followed.size === 0) return false;
    const end = performance.now() + budgetSeconds * 1000;
    const all = this.#followed.size;
    return this.#mac.pooled(() => {
      const looked: bigint[] = [];
      for (const [pointer, followed] of this.#followed) {
        looked.push(pointer);
        const status = this.#statusOf(pointer);
        if (status >= committed) this.#uncommitted.delete(pointer);
        if (status >= completed) this.#finish(pointer, followed, status);
        if (performance.now() >= end && looked.length < all) return this.#putLast(looked);
      }
      this.#giveUpUncommitted();
      return false;
    });
  }

  /** Reads one at once that has ended, where it is followed; never throws. In a pool. */
  collect(pointer: bigint): void {
    const followed = this.#followed.get(pointer);
    if (followed === undefined) return;
    try {
      this.#finish(pointer, followed, this.#statusOf(pointer));
    } catch {
      this.#dropped += 1;
    }
  }

  /** Gives up those of a device, or all; what has ended is delivered before. */
  forget(target?: Target): void {
    if (this.#followed.size === 0) return;
    this.#mac.pooled(() => {
      for (const [pointer, followed] of this.#followed) {
        if (target !== undefined && followed.target !== target) continue;
        const status = this.#statusOf(pointer);
        if (status >= completed) this.#finish(pointer, followed, status);
        else this.#giveUp(pointer);
      }
    });
  }

  #statusOf(pointer: bigint): number {
    return Number(this.#mac.send.status(pointer));
  }

  /** A command buffer of that device: asked before it is asked for anything else. */
  #isOf({ registryId }: Target, pointer: bigint): boolean {
    const { send, understands } = this.#mac;
    if (!understands(pointer, 'gpuStartTime') || !understands(pointer, 'device')) return false;
    const device = send.device(pointer);
    return device !== null && BigInt(send.registryId(device)) === registryId;
  }

  #canBeRead(passes: TimedPasses | undefined): boolean {
    return passes === undefined || (passes.samples !== 0n && this.#mac.understands(passes.samples, 'resolveCounters'));
  }

  #follow(pointer: bigint, followed: Followed, status: number): void {
    this.#mac.retained(pointer);
    if (followed.passes) this.#mac.retained(followed.passes.samples);
    this.#followed.set(pointer, followed);
    if (status >= committed) return;
    this.#uncommitted.add(pointer);
    if (this.#uncommitted.size <= mostUncommitted) return;
    const [oldest] = this.#uncommitted;
    if (oldest !== undefined) this.#giveUp(oldest);
  }

  #giveUpUncommitted(): void {
    const now = performance.now() / 1000;
    for (const pointer of this.#uncommitted) {
      const since = this.#followed.get(pointer)?.since ?? 0;
      if (now - since > uncommittedSeconds) this.#giveUp(pointer);
    }
  }

  #giveUp(pointer: bigint): void {
    this.#dropped += 1;
    this.#release(pointer);
  }

  /** Released whatever its reading throws: then it is not looked at again. */
  #finish(pointer: bigint, followed: Followed, status: number): void {
    try {
      this.#read(pointer, followed, status);
    } finally {
      this.#release(pointer);
    }
  }

  #release(pointer: bigint): void {
    const passes = this.#followed.get(pointer)?.passes;
    this.#followed.delete(pointer);
    this.#uncommitted.delete(pointer);
    this.#mac.send.release(pointer);
    if (passes) this.#mac.send.release(passes.samples);
  }

  /** The next drain begins with those that this one did not come to. */
  #putLast(looked: readonly bigint[]): true {
    for (const pointer of looked) {
      const followed = this.#followed.get(pointer);
      if (followed === undefined) continue;
      this.#followed.delete(pointer);
      this.#followed.set(pointer, followed);
    }
    return true;
  }

  #read(pointer: bigint, { target, name, passes }: Followed, status: number): void {
    this.#seen += 1;
    const { send, uptime, describeError } = this.#mac;
    const ahead = performance.now() / 1000 - uptime(); // the process's clock also counts the time asleep
    const times: Times = {
      gpuStart: send.gpuStartTime(pointer),
      gpuEnd: send.gpuEndTime(pointer),
      kernelStart: send.kernelStartTime(pointer),
      kernelEnd: send.kernelEndTime(pointer),
      ahead,
    };
    const scheduling = schedulingOf(times);
    if (scheduling !== undefined) {
      this.#scheduling.seconds += scheduling;
      this.#scheduling.buffers += 1;
    }
    if (status === failed) {
      const error = send.error(pointer);
      const type = errorType(error === null ? undefined : describeError(error));
      for (const each of passes?.names ?? [name]) target.sink.deliver(failureOf(each, times, type));
      return;
    }
    if (passes && this.#readPasses(target, passes, times)) return;
    const execution = executionOf(name, times);
    if (execution) target.sink.deliver(execution);
    else this.#dropped += 1;
  }

  /** False where the length of a tick is not known yet: then the buffer as a whole is what can be told. */
  #readPasses(target: Target, passes: TimedPasses, times: Times): boolean {
    target.calibrate();
    const ticks = readPasses(this.#mac, passes);
    if (ticks === undefined || target.clock.secondsPerTick === undefined) return false;
    const executions = executionsOfPasses(passes.names, ticks, { clock: target.clock, times });
    for (const execution of executions) {
      if (execution) target.sink.deliver(execution);
      else this.#dropped += 1;
    }
    return true;
  }
}

/** A failed one may never have begun: then its start is when we saw that. */
const failureOf = (name: string, { ahead, gpuStart }: Times, failed: string) => {
  const start = gpuStart > 0 ? gpuStart + ahead : performance.now() / 1000;
  return { kind: 'kernel', name, start, duration: 0, wait: undefined, failed } as const;
};
