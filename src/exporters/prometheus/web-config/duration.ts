/** Durations as Go writes them: `1s`, `500ms`, `1h2m3.5s`. */

const millisOf: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds; `undefined` for what is no duration. A number without a unit is none, but for 0. */
export function parseDuration(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  let millis = 0;
  part.lastIndex = 0;
  while (part.lastIndex < rest.length) {
    const match = part.exec(rest);
    if (match === null) return undefined;
    millis += Number(match[1]) * (millisOf[match[2] as string] as number);
  }
  if (rest === '') return undefined;
  return sign === '-' ? -millis : millis;
}
