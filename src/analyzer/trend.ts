/** Which way a kernel's time goes within a window. */

/** The newer half of a window against the older one. */
export interface Trend {
  readonly kernel: string;
  readonly direction: 'improving' | 'degrading' | 'stable';
  /** Mean of the newer half over that of the older one: 1.2 is a fifth slower. */
  readonly ratio: number;
  /** Two-sided probability that noise alone sorts the halves so (Mann–Whitney). */
  readonly probability: number;
  /** Executions in both halves. */
  readonly samples: number;
  /** For a person, with the numbers: "matmul is degrading: …". */
  readonly sentence: string;
  /** The sentence. */
  toString(): string;
}
