/**
 * The buckets of a histogram as Prometheus' native histograms have them: of equal logarithmic width, and only those that
 * hold anything, as runs of neighbours.
 * https://prometheus.io/docs/specs/native_histograms/
 *
 * Scale 5 of our sketches is schema 5, as it is: none of the resolution is lost. A finer histogram of the SDK is summed
 * up to schema 8. OpenTelemetry's bucket i holds (b^i, b^(i+1)], Prometheus' the same under the number i + 1.
 */
import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics';
import { sketchScale } from '../../distribution/bucket-bounds.ts';
import type { Sketch } from '../../distribution/sketch.ts';

/** The schemas that there are. */
export const coarsest = -4;
const finest = 8;
/** So many empty buckets between two are cheaper as zeros than as the beginning of a new run. */
const gapFilled = 2;

/** One sign's buckets, lowest index first. Reused from one histogram to the next. */
export class BucketRuns {
  /** How many runs there are, and of each how many buckets lie between it and the one before, and in it. */
  runs = 0;
  readonly gaps: number[] = [];
  readonly lengths: number[] = [];
  /** How many buckets there are in all runs, and of each how much more it holds than the one before. */
  buckets = 0;
  readonly deltas: number[] = [];
  /** What all of them hold. */
  count = 0;
  #next = 0;
  #before = 0;

  clear(): void {
    this.runs = 0;
    this.buckets = 0;
    this.count = 0;
    this.#next = 0;
    this.#before = 0;
  }

  /** Adds a bucket above all that there are; `index` as Prometheus counts. */
  add(index: number, count: number): void {
    const gap = index - this.#next;
    if (this.runs === 0 || gap > gapFilled) {
      this.gaps[this.runs] = gap;
      this.lengths[this.runs] = 0;
      this.runs += 1;
    } else {
      for (let i = 0; i < gap; i++) this.#push(0);
    }
    this.#push(count);
    this.#next = index + 1;
    this.count += count;
  }

  #push(count: number): void {
    this.deltas[this.buckets++] = count - this.#before;
    this.#before = count;
    const run = this.runs - 1;
    this.lengths[run] = (this.lengths[run] as number) + 1;
  }
}

/** The buckets of one histogram; reused, because a page has a thousand of them. */
export class NativeBuckets {
  schema = 0;
  zeroCount = 0;
  readonly positive = new BucketRuns();
  readonly negative = new BucketRuns();
  readonly #add = (index: number, count: number): void => this.positive.add(index + 1, count);

  /** All that there are, zeros included. */
  get count(): number {
    return this.zeroCount + this.positive.count + this.negative.count;
  }

  readSketch(sketch: Sketch): void {
    this.#clear(sketchScale, sketch.zeroCount);
    sketch.forEach(this.#add);
  }

  /** One of scale `coarsest` or finer. */
  readExponential({ scale, zeroCount, positive, negative }: ExponentialHistogram): void {
    const shift = Math.max(0, scale - finest);
    this.#clear(scale - shift, zeroCount);
    addAll(this.positive, positive, shift);
    addAll(this.negative, negative, shift);
  }

  #clear(schema: number, zeroCount: number): void {
    this.schema = schema;
    this.zeroCount = zeroCount;
    this.positive.clear();
    this.negative.clear();
  }
}

/** Buckets whose indices agree but for their lowest `shift` bits become one. */
function addAll(runs: BucketRuns, { offset, bucketCounts }: ExponentialHistogram['positive'], shift: number): void {
  let index = offset >> shift;
  let sum = 0;
  for (let i = 0; i < bucketCounts.length; i++) {
    const coarse = (offset + i) >> shift;
    if (coarse !== index) {
      if (sum > 0) runs.add(index + 1, sum);
      index = coarse;
      sum = 0;
    }
    sum += bucketCounts[i] as number;
  }
  if (sum > 0) runs.add(index + 1, sum);
}
