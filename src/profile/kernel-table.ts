/**
 * The kernels of one device, by name, within a bound. Names are unlimited and series are not: the first kernels are
 * admitted at once, a later one waits until the end of the interval with a distribution of its own and is admitted
 * with all that it recorded if it proved its weight, and everything else is one kernel called "other". So an
 * autotuner's hundreds of one-shot kernels take no places, totals add up, and every execution counts once.
 *
 * An admitted kernel stays: its counters must not fall.
 */

import { Distribution } from '../distribution/distribution.ts';
import type { TraceContext } from '../distribution/exemplars.ts';
import { sampledSpan } from '../otel/active-span.ts';
import type { DeviceTimeline } from './device-timeline.ts';
import { FailureCounts, FailureRoom, type FailureSeries, type SeriesAttributes } from './failure-counts.ts';
import { createNameResolver, hashName, type KernelNameOptions, otherName } from './kernel-names.ts';
import { type KernelObjective, ObjectiveCounts, type ObjectiveSeries } from './objective-counts.ts';

/** Places that are given to the first names that come; the rest have to be earned. */
const admittedAtOnce = 32;
/** Kernels that wait at once, and how many more they may be than there are places left: each has a distribution. */
const waitingAtMost = 64;
const waitingBeyond = 8;
/** What earns a place within one interval: so many executions, or such a share of the interval's time. */
const earningRuns = 100;
const earningShare = 0.001;
/** What an interval counts for in a kernel's weight. */
const newestShare = 1 / 8;
/** Names remembered as counted in `namesOther`; above that further ones are not counted. */
const otherNamesRemembered = 512;

export interface KernelTableOptions extends KernelNameOptions {
  /** Kernels with a distribution of their own, "other" not among them. 64 by default. */
  readonly maxKernels?: number;
}

/** What the executions of a kernel are measured against. */
interface Judged {
  /** Its own objective. */
  readonly by?: KernelObjective | undefined;
  /** That of "other", of which it may become a part: its executions have then to be judged by it. */
  readonly asOther?: KernelObjective | undefined;
}

/** What a kernel belongs to. */
interface KernelOf {
  readonly name: string;
  readonly device: SeriesAttributes;
  readonly timeline: DeviceTimeline;
  readonly room: FailureRoom;
}

/** Lifetime totals over all kernels of a device, those included that are not exported yet. */
export interface KernelTotals {
  /** Successful executions. */
  readonly count: number;
  /** Sum of their durations, in seconds. */
  readonly sum: number;
  /** In seconds; `undefined` where nothing succeeded. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly failures: number;
}

/** One kernel of one device. Bound once by name, then recorded to; valid for as long as the device's profile. */
export class Kernel {
  /** As exported. */
  readonly name: string;
  /** Frozen, and the same object for as long as the kernel lives. */
  readonly attributes: SeriesAttributes;
  /** Durations of successful executions, in seconds. */
  readonly distribution = new Distribution();
  /** Failures in the last closed interval. */
  intervalFailures = 0;
  /** Seconds that it ran in an interval, on average of the last dozen or so: the older, the less an interval counts. */
  weight = 0;
  readonly #failures: FailureCounts;
  #failuresClosed = 0;
  readonly #timeline: DeviceTimeline;
  readonly #objectives: ObjectiveCounts | undefined;
  readonly #asOther: ObjectiveCounts | undefined;
  /** True where there is an objective. */
  readonly #judged: boolean;

  constructor({ name, device, timeline, room }: KernelOf, { by, asOther }: Judged = {}) {
    this.name = name;
    this.attributes = Object.freeze({ ...device, 'accelmeter.kernel.name': name });
    this.#failures = new FailureCounts(this.attributes, room);
    this.#timeline = timeline;
    this.#objectives = by && new ObjectiveCounts(this.attributes, by);
    this.#asOther = asOther === by ? this.#objectives : asOther && new ObjectiveCounts(device, asOther);
    this.#judged = by !== undefined || asOther !== undefined;
  }

  /**
   * An execution that took `seconds` of device time. The hot path: nothing is hashed or allocated, but once in an
   * interval for each octave where a sampled span is active, which then is the exemplar.
   */
  record(seconds: number): void {
    if (!this.distribution.record(seconds)) return;
    this.#timeline.ran(seconds);
    if (this.#judged) this.#judge(seconds);
    if (this.distribution.exemplars.wants(seconds)) this.#exemplifyByActiveSpan(seconds);
  }

  /**
   * The same where it is known when it began, in process seconds: overlapping executions then count as busy once. `wait`:
   * for how long it had been queued by then, in seconds, where that is known.
   */
  recordAt(start: number, seconds: number, wait?: number): void {
    if (!this.distribution.record(seconds)) return;
    this.#timeline.ranAt(start, seconds, wait);
    if (this.#judged) this.#judge(seconds);
  }

  /**
   * Says in which trace an execution took `seconds`, after it was recorded with `recordAt`: for callers that know it,
   * while what a driver told later has none. Nothing for `undefined`.
   */
  exemplify(seconds: number, trace: TraceContext | undefined): void {
    if (trace !== undefined) this.distribution.exemplars.take(seconds, trace, Date.now() / 1000);
  }

  #exemplifyByActiveSpan(seconds: number): void {
    const span = sampledSpan();
    if (span === undefined) this.distribution.exemplars.missed();
    else this.exemplify(seconds, span);
  }

  /** An execution that failed, by `error.type`. Its duration is in no statistic. */
  recordFailure(errorType: string): void {
    this.#failures.record(errorType);
  }

  /** Failed executions by `error.type`. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures.byType();
  }

  /** The same as series, with their attributes. */
  get failureSeries(): Iterable<FailureSeries> {
    return this.#failures.series();
  }

  /** Failed executions of all types. */
  get failureCount(): number {
    return this.#failures.total;
  }

  /** Its objectives and how many executions exceeded them; none where none is set. */
  get objectives(): readonly ObjectiveSeries[] {
    return this.#objectives?.series() ?? [];
  }

  /** Executions, failed ones included. */
  get executions(): number {
    return this.distribution.count + this.#failures.total;
  }

  /** Ends an interval, which `distribution.interval`, `intervalFailures` and `objectives` then tell. */
  closeInterval(): void {
    this.distribution.closeInterval();
    this.weight += newestShare * (this.distribution.interval.sum - this.weight);
    this.intervalFailures = this.#failures.total - this.#failuresClosed;
    this.#failuresClosed = this.#failures.total;
    this.#objectives?.closeInterval();
    if (this.#asOther !== this.#objectives) this.#asOther?.closeInterval();
  }

  /** Takes all that a kernel recorded that becomes a part of this one, "other". */
  merge(part: Kernel): void {
    this.distribution.merge(part.distribution);
    this.#failures.merge(part.#failures);
    this.#failuresClosed += part.#failuresClosed;
    if (part.#asOther) this.#objectives?.merge(part.#asOther);
  }

  #judge(seconds: number): void {
    this.#objectives?.count(seconds);
    if (this.#asOther !== this.#objectives) this.#asOther?.count(seconds);
  }
}

export class KernelTable {
  readonly #resolve: ReturnType<typeof createNameResolver>;
  readonly #maxKernels: number;
  readonly #create: (name: string, judged: Judged) => Kernel;
  readonly #admitted = new Map<string, Kernel>();
  readonly #waiting = new Map<string, Kernel>();
  readonly #other: Kernel;
  readonly #otherObjective: KernelObjective | undefined;
  /** Their hashes, which take less room. */
  readonly #namesInOther = new Set<number>();

  constructor(device: SeriesAttributes, timeline: DeviceTimeline, options: KernelTableOptions = {}) {
    this.#resolve = createNameResolver(options);
    this.#maxKernels = options.maxKernels ?? 64;
    const of = { device, timeline, room: new FailureRoom() };
    this.#create = (name, judged) => new Kernel({ ...of, name }, judged);
    this.#otherObjective = this.#resolve(otherName).objective;
    this.#other = this.#create(otherName, { by: this.#otherObjective });
  }

  /** The kernel of a name that the program itself gave: admitted at once while there is a place. */
  bind(raw: string): Kernel {
    const { name, rule, objective } = this.#resolve(raw);
    return rule === 'denied' ? this.#toOther(name) : this.#admitNow(name, objective);
  }

  /** The kernel of a name that a driver told. Good for one record: a kernel that waits may be merged into "other". */
  find(raw: string | undefined): Kernel {
    if (raw === undefined) return this.#other;
    const { name, rule, objective } = this.#resolve(raw);
    const known = this.#admitted.get(name) ?? this.#waiting.get(name);
    if (known !== undefined) return known;
    if (rule === 'denied') return this.#toOther(name);
    if (rule === 'allowed' || this.#admitted.size < admittedAtOnce) return this.#admitNow(name, objective);
    const places = this.#maxKernels - this.#admitted.size;
    const mayWait = places <= 0 ? 0 : Math.min(waitingAtMost, places + waitingBeyond);
    if (this.#waiting.size >= mayWait) return this.#toOther(name);
    const kernel = this.#create(name, { by: objective, asOther: this.#otherObjective });
    this.#waiting.set(name, kernel);
    return kernel;
  }

  /** The kernels that are exported, and "other" from its first record on. */
  *exported(): Iterable<Kernel> {
    yield* this.#admitted.values();
    if (this.#other.executions > 0) yield this.#other;
  }

  /** All that recorded anything or can, those that wait included. */
  *all(): Iterable<Kernel> {
    yield* this.#admitted.values();
    yield* this.#waiting.values();
    yield this.#other;
  }

  /** Lifetime totals over all of them. */
  totals(): KernelTotals {
    let count = 0;
    let sum = 0;
    let failures = 0;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const kernel of this.all()) {
      count += kernel.distribution.count;
      sum += kernel.distribution.sum;
      failures += kernel.failureCount;
      min = Math.min(min, kernel.distribution.min ?? min);
      max = Math.max(max, kernel.distribution.max ?? max);
    }
    return { count, sum, failures, min: count > 0 ? min : undefined, max: count > 0 ? max : undefined };
  }

  /** Distinct names that were counted as "other", as far as they are remembered. Never falls. */
  get namesOther(): number {
    return this.#namesInOther.size;
  }

  /**
   * Ends the waiting after `seconds`: of those that wait, the ones that earned a place are admitted, the heaviest first,
   * and the rest become part of "other".
   */
  admit(seconds: number): void {
    if (this.#waiting.size === 0) return;
    const heaviestFirst = Array.from(this.#waiting.values()).sort((a, b) => b.distribution.sum - a.distribution.sum);
    this.#waiting.clear();
    for (const kernel of heaviestFirst) {
      const earned = kernel.executions >= earningRuns || kernel.distribution.sum >= seconds * earningShare;
      if (earned && this.#admitted.size < this.#maxKernels) this.#admitted.set(kernel.name, kernel);
      else this.#toOther(kernel.name).merge(kernel);
    }
  }

  #admitNow(name: string, objective: KernelObjective | undefined): Kernel {
    const known = this.#admitted.get(name);
    if (known !== undefined) return known;
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    if (this.#admitted.size >= this.#maxKernels) {
      const other = this.#toOther(name);
      if (waiting !== undefined) other.merge(waiting);
      return other;
    }
    const kernel = waiting ?? this.#create(name, { by: objective });
    this.#admitted.set(name, kernel);
    return kernel;
  }

  #toOther(name: string): Kernel {
    if (this.#namesInOther.size < otherNamesRemembered) this.#namesInOther.add(hashName(name));
    return this.#other;
  }
}
