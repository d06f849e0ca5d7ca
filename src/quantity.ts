/**
 * Quantities as people read them: three significant digits and the unit that fits ("1.21 ms", "412 µs", "31 kB").
 * For tables, pages and sentences; never for anything that a program reads.
 */

const timeUnits: readonly (readonly [number, string])[] = [
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [1e-9, 'ns'],
];
const decimalUnits: readonly (readonly [number, string])[] = [
  [1e12, 'TB'],
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'kB'],
  [1, 'B'],
];
const countUnits: readonly (readonly [number, string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
];

/** A duration in seconds: "412 µs", "1.21 ms", "48.0 s", from two minutes on "3 min 20 s", "2 h 05 min", "3 d 4 h". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 0) return `-${formatSeconds(-seconds)}`;
  if (seconds < 120) return scaled(seconds, timeUnits, ' ');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number of bytes, in powers of ten: "31.0 kB", "1.50 GB". */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–';
  return bytes < 0 ? `-${formatBytes(-bytes)}` : scaled(bytes, decimalUnits, ' ');
}

/** A number of things, or of things a second: "212", "0.35", "48.3k". */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return '–';
  return rate < 0 ? `-${formatRate(-rate)}` : scaled(rate, countUnits, '');
}

/** A share from 0 to 1 in percent: "26 %", "0.4 %", "<0.1 %". Shares over 1 are shown as they are. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  return `${percent === 0 || percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** A value in a unit of UCUM, as the catalogue has them: "1.21 ms", "1.50 GB", "26 %", "12 {thread}" is "12". */
export function formatQuantity(value: number, unit: string | undefined): string {
  if (unit === 's') return formatSeconds(value);
  if (unit === 'ms') return formatSeconds(value / 1000);
  if (unit === 'By') return formatBytes(value);
  if (unit === '1') return formatShare(value);
  if (unit === '%') return formatShare(value / 100);
  if (unit === 'Cel') return `${formatRate(value)} °C`;
  if (unit === 'Hz') return `${formatRate(value).replace(/([kMG]?)$/, ' $1')}Hz`;
  const shown = unit === undefined || unit.startsWith('{') ? '' : ` ${unit}`;
  return `${formatRate(value)}${shown}`;
}

function scaled(value: number, units: readonly (readonly [number, string])[], space: string): string {
  const smallest = units.at(-1) ?? [1, ''];
  if (value === 0) return `0${space}${units.find(([size]) => size === 1)?.[1] ?? ''}`;
  // 999.6 µs rounds to 1.00 ms, so the unit is chosen by the rounded value.
  const [size, unit] = units.find(([size]) => value / size >= 0.9995) ?? smallest;
  return `${size === 1 && Number.isInteger(value) ? value : digits(value / size)}${space}${unit}`;
}

/** Three significant digits. Whole numbers of the unit itself never get here: they are exact as they are. */
function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}
