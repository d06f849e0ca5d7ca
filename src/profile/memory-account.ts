/**
 * What this process holds of a device's memory, by its own account of allocations. Every value is `undefined` until
 * the first allocation or release is told: who tells of none may hold any amount.
 */
export class MemoryAccount {
  /** Records whose bytes were negative, infinite or not a number. They change nothing else. */
  rejected = 0;
  #told = false;
  #allocations = 0;
  #allocatedBytes = 0;
  #usage = 0;
  #peak = 0;

  allocated(bytes: number): void {
    if (!this.#accepts(bytes)) return;
    this.#allocations += 1;
    this.#allocatedBytes += bytes;
    this.#usage += bytes;
    this.#peak = Math.max(this.#peak, this.#usage);
  }

  /** More may be released than was told as allocated, when the account began late; what is held is never below 0. */
  freed(bytes: number): void {
    if (this.#accepts(bytes)) this.#usage = Math.max(0, this.#usage - bytes);
  }

  /** Allocations so far. */
  get allocations(): number | undefined {
    return this.#told ? this.#allocations : undefined;
  }

  /** Bytes allocated so far, whether released or not. */
  get allocatedBytes(): number | undefined {
    return this.#told ? this.#allocatedBytes : undefined;
  }

  /** Bytes held now. */
  get usage(): number | undefined {
    return this.#told ? this.#usage : undefined;
  }

  /** The most bytes held at once. */
  get peak(): number | undefined {
    return this.#told ? this.#peak : undefined;
  }

  #accepts(bytes: number): boolean {
    if (Number.isFinite(bytes) && bytes >= 0) {
      this.#told = true;
      return true;
    }
    this.rejected += 1;
    return false;
  }
}
