/**
 * The last samples of a stream, oldest first. Single precision (seven digits) halves the memory and is finer than any
 * device's clock; the array grows as it fills, because most kernels run less often than there is room for.
 */

/** How many samples a window holds. */
const windowSize = 1000;

const initialSize = 16;

export class Ring {
  #samples = new Float32Array(initialSize);
  /** Where the next sample goes. */
  #next = 0;
  /** How often the array, at its full size, has been filled: from the first time on the oldest are overwritten. */
  #laps = 0;

  /** Samples held, at most `windowSize`. */
  get length(): number {
    return this.#laps > 0 ? windowSize : this.#next;
  }

  /** Samples taken since it began. */
  get pushed(): number {
    return this.#laps * windowSize + this.#next;
  }

  push(sample: number): void {
    if (this.#next === this.#samples.length) this.#makeRoom();
    this.#samples[this.#next] = sample;
    this.#next += 1;
  }

  /** A copy of the samples, oldest first; of the last `latest` where there are more. */
  toArray(latest = windowSize): Float32Array {
    const all = this.#inOrder();
    return latest < all.length ? all.subarray(all.length - Math.max(0, latest)) : all;
  }

  #inOrder(): Float32Array {
    if (this.#laps === 0) return this.#samples.slice(0, this.#next);
    const result = new Float32Array(windowSize);
    result.set(this.#samples.subarray(this.#next));
    result.set(this.#samples.subarray(0, this.#next), windowSize - this.#next);
    return result;
  }

  #makeRoom(): void {
    if (this.#samples.length === windowSize) {
      this.#next = 0;
      this.#laps += 1;
      return;
    }
    const grown = new Float32Array(Math.min(this.#samples.length * 2, windowSize));
    grown.set(this.#samples);
    this.#samples = grown;
  }
}
