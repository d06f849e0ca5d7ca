// Numbers as the guide prints them.

/** With so many digits after the point, as C#'s `:F2`. What was not measured is `n/a`, never 0. */
export function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? 'n/a' : value.toFixed(digits);
}

/** In megabytes of 2^20 bytes, as the guide has them. */
export function megabytes(bytes: number | undefined, digits = 0): string {
  return `${fixed(bytes === undefined ? undefined : bytes / 2 ** 20, digits)} MB`;
}

/** A change in percent, as C#'s `:+0.0;-0.0`. */
export function signed(percent: number | undefined): string {
  return percent !== undefined && percent >= 0 ? `+${percent.toFixed(1)}` : fixed(percent, 1);
}
